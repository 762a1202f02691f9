// The config's scalar types, read strictly from a scalar's text. Nothing is guessed: 017, 1e3, yes,
// +1, "1 s" and 70000 for a port are refused. Pure; each failure says what is wrong with the text,
// in words that follow it: "017" has a leading zero.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/values.h"
#include "protocol/base/result.h"

namespace sockhook::conf {

template <typename T>
using Scalar = Result<T, std::string>;

Scalar<bool> parse_bool(std::string_view text);
// Digits without a leading zero.
Scalar<std::uint64_t> parse_integer(std::string_view text);
// Digits, and perhaps a point and digits.
Scalar<double> parse_decimal(std::string_view text);
// 250ms, 29s, 10m, 2h.
Scalar<Duration> parse_duration(std::string_view text);
// 512B, 32KiB, 1MiB, 1GiB.
Scalar<std::size_t> parse_size(std::string_view text);
// 1% to 100%.
Scalar<Percent> parse_percent(std::string_view text);

// As they are written in a file, in the largest unit that fits.
std::string format_duration(Duration duration);
std::string format_size(std::size_t bytes);

}  // namespace sockhook::conf
