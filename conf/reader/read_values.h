// From a Cursor to a typed value. Each function leaves its target alone, and returns false, when
// there is no value or a wrong one; the wrong one has then been reported.

#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/reader/cursor.h"
#include "conf/values.h"

namespace sockhook::conf {

// What is allowed, both ends included. `or_off` only shapes the message: see read_unless_off.
template <typename T>
struct Range {
  T min{};
  T max{};
  bool or_off = false;
};
using DurationRange = Range<Duration>;
using SizeRange = Range<std::size_t>;
using IntegerRange = Range<std::uint64_t>;

constexpr Duration kHour = std::chrono::hours{1};
constexpr std::size_t kGiB = std::size_t{1} << 30U;

bool read_bool(const Cursor& cursor, bool* target);
bool read_duration(const Cursor& cursor, Duration* target, DurationRange range);
bool read_size(const Cursor& cursor, std::size_t* target, SizeRange range);
bool read_number(const Cursor& cursor, std::uint64_t* target, IntegerRange range);
bool read_percent(const Cursor& cursor, Percent* target);
// More than 0, e.g. 0.5.
bool read_decimal(const Cursor& cursor, double* target, double max, std::string_view allowed);

template <std::unsigned_integral T>
bool read_integer(const Cursor& cursor, T* target, IntegerRange range) {
  std::uint64_t value = 0;
  range.max = std::min<std::uint64_t>(range.max, std::numeric_limits<T>::max());
  if (!read_number(cursor, &value, range)) return false;
  *target = static_cast<T>(value);
  return true;
}

// `off` empties the target.
template <typename T, typename Read, typename R>
void read_unless_off(const Cursor& cursor, std::optional<T>* target, Read read, R range) {
  if (cursor.is_word("off")) {
    target->reset();
    return;
  }
  range.or_off = true;
  T value{};
  if (read(cursor, &value, range)) *target = value;
}
void read_count_or_off(const Cursor& cursor, std::optional<std::size_t>* target);

// One line, not empty, without control characters.
bool read_text(const Cursor& cursor, std::string* target, std::string_view allowed);
bool read_text(const Cursor& cursor, std::optional<std::string>* target, std::string_view allowed);
// The same, but no mistake shows the value.
bool read_secret(const Cursor& cursor, std::string* target);
bool read_secret(const Cursor& cursor, std::optional<std::string>* target);
// A secret that the Authorization header can carry (RFC 6750 2.1, more generously).
bool read_bearer_token(const Cursor& cursor, std::string* target);
// [A-Za-z0-9._-]{1,63}
inline constexpr std::string_view kNameAllowed = "1 to 63 of A-Z a-z 0-9 . _ -";
bool is_name(std::string_view text);
bool read_name(const Cursor& cursor, std::string* target);
// The name of a file; missing is a mistake with ReadOptions::check_files.
bool read_file_name(const Cursor& cursor, std::string* target);
bool read_file_name(const Cursor& cursor, std::optional<std::string>* target);
// RFC 9110 5.6.2.
bool is_token(std::string_view text);

// Reads one of a few words.
std::optional<std::size_t> read_word(const Cursor& cursor, const std::vector<std::string>& words,
                                     std::string_view others = "");
template <typename E>
bool read_choice(const Cursor& cursor, E* target,
                 std::initializer_list<std::pair<const char*, E>> choices) {
  std::vector<std::string> words;
  for (const auto& choice : choices) words.emplace_back(choice.first);
  const std::optional<std::size_t> index = read_word(cursor, words);
  if (index) *target = (choices.begin() + *index)->second;
  return index.has_value();
}

}  // namespace sockhook::conf
