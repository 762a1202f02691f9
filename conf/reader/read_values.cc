#include "conf/reader/read_values.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "conf/reader/scalars.h"

namespace sockhook::conf {
namespace {

std::string or_off(bool is_off_allowed, const std::string& allowed) {
  return is_off_allowed ? "off, or " + allowed : allowed;
}

// The one way from a text to a value in a range.
template <typename T, typename Parse>
bool read_in_range(const Cursor& cursor, T* target, const Range<T>& range, Parse parse,
                   const std::string& allowed) {
  const std::optional<std::string> text = cursor.text(allowed);
  if (!text) return false;
  const Scalar<T> value = parse(*text);
  if (!value) {
    cursor.mistake(quote(*text) + " " + value.error(), allowed);
  } else if (*value < range.min || *value > range.max) {
    cursor.mistake(quote(*text) + " is out of range", allowed);
  } else {
    *target = *value;
    return true;
  }
  return false;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7F'; });
}

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

constexpr std::string_view kSecretAllowed = "a text without line breaks";
constexpr std::string_view kFileAllowed = "the name of a file";

// Empty when the file can be read.
std::string why_unreadable(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (S_ISDIR(status.st_mode)) return std::strerror(EISDIR);
  return access(path.c_str(), R_OK) == 0 ? "" : std::strerror(errno);
}

}  // namespace

bool read_bool(const Cursor& cursor, bool* target) {
  constexpr std::string_view kAllowed = "true, false";
  const std::optional<std::string> text = cursor.text(kAllowed);
  if (!text) return false;
  const Scalar<bool> value = parse_bool(*text);
  if (!value) {
    cursor.mistake(quote(*text) + " " + value.error(), kAllowed);
    return false;
  }
  *target = *value;
  return true;
}

bool read_duration(const Cursor& cursor, Duration* target, DurationRange range) {
  return read_in_range(cursor, target, range, parse_duration,
                       or_off(range.or_off, "a duration from " + format_duration(range.min) +
                                                " to " + format_duration(range.max) +
                                                ", written like 250ms, 29s, 10m or 2h"));
}

bool read_size(const Cursor& cursor, std::size_t* target, SizeRange range) {
  return read_in_range(
      cursor, target, range, parse_size,
      or_off(range.or_off, "a size from " + format_size(range.min) + " to " +
                               format_size(range.max) + ", written like 512B, 32KiB or 1MiB"));
}

bool read_number(const Cursor& cursor, std::uint64_t* target, IntegerRange range) {
  return read_in_range(cursor, target, range, parse_integer,
                       or_off(range.or_off, "a whole number from " + std::to_string(range.min) +
                                                " to " + std::to_string(range.max)));
}

bool read_percent(const Cursor& cursor, Percent* target) {
  constexpr std::string_view kAllowed = "1% to 100%";
  const std::optional<std::string> text = cursor.text(kAllowed);
  if (!text) return false;
  const Scalar<Percent> value = parse_percent(*text);
  if (!value) {
    cursor.mistake(quote(*text) + " " + value.error(), kAllowed);
    return false;
  }
  *target = *value;
  return true;
}

bool read_decimal(const Cursor& cursor, double* target, double max, std::string_view allowed) {
  const std::optional<std::string> text = cursor.text(allowed);
  if (!text) return false;
  const Scalar<double> value = parse_decimal(*text);
  if (!value) {
    cursor.mistake(quote(*text) + " " + value.error(), allowed);
  } else if (*value <= 0 || *value > max) {
    cursor.mistake(quote(*text) + " is out of range", allowed);
  } else {
    *target = *value;
    return true;
  }
  return false;
}

void read_count_or_off(const Cursor& cursor, std::optional<std::size_t>* target) {
  read_unless_off(cursor, target, read_integer<std::size_t>, IntegerRange{1, 10'000'000});
}

bool read_text(const Cursor& cursor, std::string* target, std::string_view allowed) {
  const std::optional<std::string> text = cursor.text(allowed);
  if (!text) return false;
  if (text->empty()) {
    cursor.mistake("is empty", allowed);
  } else if (has_control_character(*text)) {
    cursor.mistake(quote(*text) + " has a line break or another control character", allowed);
  } else {
    *target = *text;
    return true;
  }
  return false;
}

bool read_text(const Cursor& cursor, std::optional<std::string>* target, std::string_view allowed) {
  std::string text;
  if (!read_text(cursor, &text, allowed)) return false;
  *target = std::move(text);
  return true;
}

bool read_secret(const Cursor& cursor, std::string* target) {
  const std::optional<std::string> text = cursor.text(kSecretAllowed);
  if (!text) return false;
  if (text->empty()) {
    cursor.mistake("is empty", kSecretAllowed);
  } else if (has_control_character(*text)) {
    cursor.mistake("has a line break or another control character", kSecretAllowed);
  } else {
    *target = *text;
    return true;
  }
  return false;
}

bool read_secret(const Cursor& cursor, std::optional<std::string>* target) {
  std::string text;
  if (!read_secret(cursor, &text)) return false;
  *target = std::move(text);
  return true;
}

bool read_bearer_token(const Cursor& cursor, std::string* target) {
  constexpr std::string_view kAllowed = "a text of visible ASCII characters without spaces";
  if (!read_secret(cursor, target)) return false;
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (std::all_of(target->begin(), target->end(), is_visible)) return true;
  cursor.mistake("has a space or a character outside ASCII", kAllowed);
  return false;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

bool read_name(const Cursor& cursor, std::string* target) {
  const std::optional<std::string> text = cursor.text(kNameAllowed);
  if (!text) return false;
  if (!is_name(*text)) {
    cursor.mistake(quote(*text) + " is no name", kNameAllowed);
    return false;
  }
  *target = *text;
  return true;
}

bool read_file_name(const Cursor& cursor, std::string* target) {
  if (!read_text(cursor, target, kFileAllowed)) return false;
  if (!cursor.reading().options().check_files) return true;
  const std::string reason = why_unreadable(*target);
  if (!reason.empty()) {
    cursor.mistake("cannot read " + quote(*target) + ": " + reason,
                   "a file that can be read (check --no-files skips this)");
  }
  return true;
}

bool read_file_name(const Cursor& cursor, std::optional<std::string>* target) {
  std::string name;
  if (!read_file_name(cursor, &name)) return false;
  *target = std::move(name);
  return true;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kSymbols = "!#$%&'*+^`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_name_character(c) || kSymbols.find(c) != std::string_view::npos;
  });
}

std::optional<std::size_t> read_word(const Cursor& cursor, const std::vector<std::string>& words,
                                     std::string_view others) {
  const std::string allowed = join(words) + std::string(others);
  const std::optional<std::string> text = cursor.text(allowed);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  cursor.mistake(quote(*text) + " is unknown" + suggest(*text, words), allowed);
  return std::nullopt;
}

}  // namespace sockhook::conf
