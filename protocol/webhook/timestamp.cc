#include "protocol/webhook/timestamp.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace sockhook::webhook {

namespace {

struct Utc {
  int year;
  unsigned month;
  unsigned day;
  int hour;
  int minute;
  int second;
  int millisecond;
};

Utc utc_of(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(unix_ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

void put_digits(std::string& text, std::size_t at, std::size_t count, unsigned value) {
  while (count-- > 0) {
    text[at + count] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

// On the path of every message, so without printf: years have four digits until 9999.
std::string rfc3339(std::int64_t unix_ms) {
  const Utc utc = utc_of(unix_ms);
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text, 0, 4, static_cast<unsigned>(utc.year));
  put_digits(text, 5, 2, utc.month);
  put_digits(text, 8, 2, utc.day);
  put_digits(text, 11, 2, static_cast<unsigned>(utc.hour));
  put_digits(text, 14, 2, static_cast<unsigned>(utc.minute));
  put_digits(text, 17, 2, static_cast<unsigned>(utc.second));
  put_digits(text, 20, 3, static_cast<unsigned>(utc.millisecond));
  return text;
}

std::string access_log_time(std::int64_t unix_ms) {
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Utc utc = utc_of(unix_ms);
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "%02u/%s/%04d:%02d:%02d:%02d +0000", utc.day,
                    kMonths[utc.month - 1], utc.year, utc.hour, utc.minute, utc.second);
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace sockhook::webhook
