#include "conf/reader/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sockhook::conf {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool are_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array kDurationUnits{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                    Unit{"ms", 1}};
constexpr std::array kSizeUnits{Unit{"GiB", 1U << 30U}, Unit{"MiB", 1U << 20U},
                                Unit{"KiB", 1U << 10U}, Unit{"B", 1}};
// Keeps every quantity, and sums of them, far from overflow.
constexpr std::uint64_t kMaxQuantity = std::uint64_t{1} << 53U;

template <std::size_t N>
Scalar<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units,
                                     std::string_view kind) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  const std::string_view name = text.substr(digits.size());
  if (text.starts_with('-')) return Failure{std::string("is negative")};
  if (digits.empty()) return Failure{"is no " + std::string(kind)};
  const Scalar<std::uint64_t> number = parse_integer(digits);
  if (!number) return Failure{number.error()};
  if (name.empty()) return Failure{std::string("has no unit")};
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (*number > kMaxQuantity / unit.factor) return Failure{std::string("is too large")};
    return *number * unit.factor;
  }
  if (name.front() == '.') return Failure{std::string("has a fraction")};
  return Failure{"has the unknown unit \"" + std::string(name) + "\""};
}

template <std::size_t N>
std::string format_quantity(std::uint64_t quantity, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (quantity >= unit.factor && quantity % unit.factor == 0) {
      return std::to_string(quantity / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units.back().name);
}

}  // namespace

Scalar<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Failure{std::string("is neither true nor false")};
}

Scalar<std::uint64_t> parse_integer(std::string_view text) {
  if (text.starts_with('-') && are_digits(text.substr(1))) {
    return Failure{std::string("is negative")};
  }
  if (!are_digits(text)) return Failure{std::string("is no whole number")};
  if (text.size() > 1 && text.front() == '0') return Failure{std::string("has a leading zero")};
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || value > kMaxQuantity) {
    return Failure{std::string("is too large")};
  }
  return value;
}

Scalar<double> parse_decimal(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  if (text.starts_with('-')) return Failure{std::string("is no positive number")};
  if (!are_digits(text.substr(0, point)) ||
      (point < text.size() && !are_digits(text.substr(point + 1)))) {
    return Failure{std::string("is no number")};
  }
  const Scalar<std::uint64_t> whole = parse_integer(text.substr(0, point));
  if (!whole) return Failure{whole.error()};
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return value;
}

Scalar<Duration> parse_duration(std::string_view text) {
  const Scalar<std::uint64_t> ms = parse_quantity(text, kDurationUnits, "duration");
  if (!ms) return Failure{ms.error()};
  return Duration{static_cast<Duration::rep>(*ms)};
}

Scalar<std::size_t> parse_size(std::string_view text) {
  const Scalar<std::uint64_t> bytes = parse_quantity(text, kSizeUnits, "size");
  if (!bytes) return Failure{bytes.error()};
  return static_cast<std::size_t>(*bytes);
}

Scalar<Percent> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return Failure{std::string("is no percentage")};
  const Scalar<std::uint64_t> value = parse_integer(text.substr(0, text.size() - 1));
  if (!value) return Failure{value.error()};
  if (*value < 1 || *value > 100) return Failure{std::string("is out of range")};
  return Percent{static_cast<unsigned>(*value)};
}

std::string format_duration(Duration duration) {
  return format_quantity(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

std::string format_size(std::size_t bytes) { return format_quantity(bytes, kSizeUnits); }

}  // namespace sockhook::conf
