// endpoints[].limits

#include <cmath>

#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"

namespace sockhook::conf {
namespace {

constexpr double kMaxRate = 1e6;
constexpr Duration kYear = 24 * 365 * kHour;

std::size_t one_second_of(double rate) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(rate)));
}

void read_rate(const Cursor& cursor, std::optional<Rate>* target) {
  constexpr std::string_view kAllowed = "off, a number up to 1000000, or a map with rate";
  constexpr std::string_view kNumberAllowed = "a number up to 1000000, such as 10 or 0.5";
  if (!cursor.is_given()) return;
  if (cursor.is_word("off")) {
    target->reset();
    return;
  }
  Rate rate;
  if (cursor.is_text()) {
    if (!read_decimal(cursor, &rate.rate, kMaxRate, kAllowed)) return;
    rate.burst = one_second_of(rate.rate);
  } else {
    Section section(cursor, kAllowed);
    const Cursor number = section["rate"];
    if (cursor.is_map()) number.require(kNumberAllowed);
    read_decimal(number, &rate.rate, kMaxRate, kNumberAllowed);
    rate.burst = one_second_of(rate.rate);
    read_integer(section["burst"], &rate.burst, {1, 1'000'000'000});
    read_choice(section["over"], &rate.over,
                {{"reject", Rate::Over::kReject},
                 {"delay", Rate::Over::kDelay},
                 {"close", Rate::Over::kClose}});
  }
  *target = rate;
}

// A ping must have time to be answered, or every silent client is dead. Where only one of the two
// is written, the other follows.
void read_pings(Section& section, Limits* limits) {
  const Cursor interval = section["ping_interval"];
  const Cursor timeout = section["ping_timeout"];
  const DurationRange range{Duration{1}, kYear};
  read_unless_off(interval, &limits->ping_interval, read_duration, range);
  read_unless_off(timeout, &limits->ping_timeout, read_duration, range);
  if (interval.is_given() && !timeout.is_given()) {
    if (!limits->ping_interval) {
      limits->ping_timeout.reset();
    } else if (limits->ping_timeout) {
      limits->ping_timeout = std::max(*limits->ping_timeout, 2 * *limits->ping_interval);
    }
  } else if (!interval.is_given() && limits->ping_interval && limits->ping_timeout) {
    const Duration half = std::max(Duration{1}, *limits->ping_timeout / 2);
    limits->ping_interval = std::min(*limits->ping_interval, half);
  } else if (limits->ping_interval && limits->ping_timeout &&
             *limits->ping_timeout <= *limits->ping_interval) {
    timeout.mistake("is not longer than ping_interval, so every silent client would be closed",
                    "a duration above ping_interval, or off");
  }
}

}  // namespace

Limits Limits::aws() {
  Limits limits;
  limits.message_size = 128_KiB;
  limits.frame_size = 32_KiB;
  limits.binary = false;
  limits.idle_timeout = std::chrono::minutes{10};
  limits.max_duration = std::chrono::hours{2};
  return limits;
}

void read_limits(const Cursor& cursor, Limits* limits) {
  if (cursor.is_text()) {
    if (read_word(cursor, {"aws"}, ", or a map of limits")) *limits = Limits::aws();
    return;
  }
  Section section(cursor, "aws, or a map of limits");
  if (read_word(section["preset"], {"aws"})) *limits = Limits::aws();
  const DurationRange range{Duration{1}, kYear};
  read_size(section["message_size"], &limits->message_size, {1, kGiB});
  read_unless_off(section["frame_size"], &limits->frame_size, read_size, SizeRange{1, kGiB});
  read_bool(section["binary"], &limits->binary);
  read_count_or_off(section["connections"], &limits->connections);
  read_count_or_off(section["connections_per_ip"], &limits->connections_per_ip);
  read_count_or_off(section["connections_per_user"], &limits->connections_per_user);
  read_rate(section["messages_per_second"], &limits->messages_per_second);
  read_size(section["send_queue"], &limits->send_queue, {1, kGiB});
  read_choice(section["slow_client"], &limits->slow_client,
              {{"close", SlowClient::kClose}, {"drop", SlowClient::kDrop}});
  read_unless_off(section["idle_timeout"], &limits->idle_timeout, read_duration, range);
  read_unless_off(section["max_duration"], &limits->max_duration, read_duration, range);
  read_pings(section, limits);
  read_integer(section["fragments"], &limits->fragments, {1, 1'000'000'000});
}

}  // namespace sockhook::conf
