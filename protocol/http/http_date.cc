#include "protocol/http/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace sockhook::http {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

struct Fields {
  int year = 0;
  unsigned month = 0;  // 1 to 12
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;  // 60 in a leap second
};

// Takes one part of a date after the other; every step fails once one has failed.
class Taker {
 public:
  explicit Taker(std::string_view text) : rest_(text) {}

  bool is_done() const { return is_good_ && rest_.empty(); }

  void literal(std::string_view text) {
    is_good_ = is_good_ && rest_.starts_with(text);
    if (is_good_) rest_.remove_prefix(text.size());
  }
  template <std::size_t N>
  unsigned one_of(const std::array<std::string_view, N>& words) {
    const auto found = std::find_if(words.begin(), words.end(), [this](std::string_view word) {
      return rest_.starts_with(word);
    });
    is_good_ = is_good_ && found != words.end();
    if (!is_good_) return 0;
    rest_.remove_prefix(found->size());
    return static_cast<unsigned>(found - words.begin());
  }
  unsigned digits(std::size_t count) {
    unsigned value = 0;
    is_good_ = is_good_ && rest_.size() >= count;
    for (std::size_t i = 0; is_good_ && i < count; ++i) {
      is_good_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    if (is_good_) rest_.remove_prefix(count);
    return value;
  }
  bool next_is(char c) const { return is_good_ && rest_.starts_with(c); }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

void take_time(Taker& taker, Fields& fields) {
  fields.hour = taker.digits(2);
  taker.literal(":");
  fields.minute = taker.digits(2);
  taker.literal(":");
  fields.second = taker.digits(2);
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Fields> take_fixdate(std::string_view text) {
  Taker taker(text);
  Fields fields;
  taker.one_of(kDays);
  taker.literal(", ");
  fields.day = taker.digits(2);
  taker.literal(" ");
  fields.month = taker.one_of(kMonths) + 1;
  taker.literal(" ");
  fields.year = static_cast<int>(taker.digits(4));
  taker.literal(" ");
  take_time(taker, fields);
  taker.literal(" GMT");
  return taker.is_done() ? std::optional(fields) : std::nullopt;
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<Fields> take_rfc850_date(std::string_view text, int this_year) {
  Taker taker(text);
  Fields fields;
  taker.one_of(kLongDays);
  taker.literal(", ");
  fields.day = taker.digits(2);
  taker.literal("-");
  fields.month = taker.one_of(kMonths) + 1;
  taker.literal("-");
  fields.year = this_year - this_year % 100 + static_cast<int>(taker.digits(2));
  if (fields.year > this_year + 50) fields.year -= 100;
  taker.literal(" ");
  take_time(taker, fields);
  taker.literal(" GMT");
  return taker.is_done() ? std::optional(fields) : std::nullopt;
}

// Sun Nov  6 08:49:37 1994
std::optional<Fields> take_asctime_date(std::string_view text) {
  Taker taker(text);
  Fields fields;
  taker.one_of(kDays);
  taker.literal(" ");
  fields.month = taker.one_of(kMonths) + 1;
  taker.literal(" ");
  if (taker.next_is(' ')) {
    taker.literal(" ");
    fields.day = taker.digits(1);
  } else {
    fields.day = taker.digits(2);
  }
  taker.literal(" ");
  take_time(taker, fields);
  taker.literal(" ");
  fields.year = static_cast<int>(taker.digits(4));
  return taker.is_done() ? std::optional(fields) : std::nullopt;
}

std::optional<int64_t> to_seconds(const Fields& fields) {
  const std::chrono::year_month_day date{std::chrono::year(fields.year),
                                         std::chrono::month(fields.month),
                                         std::chrono::day(fields.day)};
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) {
    return std::nullopt;
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + fields.hour) * 60 + fields.minute) * 60 + fields.second;
}

int year_of(int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  return static_cast<int>(date.year());
}

}  // namespace

std::optional<int64_t> parse_http_date(std::string_view text, int64_t now_s) {
  std::optional<Fields> fields = take_fixdate(text);
  if (!fields) fields = take_rfc850_date(text, year_of(now_s));
  if (!fields) fields = take_asctime_date(text);
  return fields ? to_seconds(*fields) : std::nullopt;
}

}  // namespace sockhook::http
