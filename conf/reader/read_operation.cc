// drain, ready, log, tracing

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"

namespace sockhook::conf {

void read_drain(const Cursor& cursor, Drain* drain) {
  Section section(cursor);
  read_duration(section["delay"], &drain->delay, {Duration{0}, kHour});
  read_duration(section["period"], &drain->period, {Duration{0}, 24 * kHour});
}

void read_ready(const Cursor& cursor, Ready* ready) {
  Section section(cursor);
  read_choice(section["backplane"], &ready->backplane_required,
              {{"optional", false}, {"required", true}});
  read_percent(section["memory"], &ready->memory);
}

void read_log(const Cursor& cursor, Log* log) {
  Section section(cursor);
  read_choice(section["level"], &log->level,
              {{"debug", Log::Level::kDebug},
               {"info", Log::Level::kInfo},
               {"warn", Log::Level::kWarn},
               {"error", Log::Level::kError}});
  read_choice(section["format"], &log->format,
              {{"auto", Log::Format::kAuto},
               {"json", Log::Format::kJson},
               {"logfmt", Log::Format::kLogfmt}});
}

void read_tracing(const Cursor& cursor, std::optional<Tracing>* target) {
  if (cursor.is_word("off") || !cursor.is_given()) return;
  constexpr std::string_view kUrlAllowed = "a URL of http or https, such as http://collector:4318";
  Section section(cursor, "off, or a map of otlp and ratio");
  Tracing tracing;
  const Cursor otlp = section["otlp"];
  if (cursor.is_map()) otlp.require(kUrlAllowed);
  if (read_text(otlp, &tracing.otlp, kUrlAllowed)) {
    const Scalar<HttpUrl> url = parse_http_url(tracing.otlp);
    if (!url) otlp.mistake(url.error(), kUrlAllowed);
  }
  read_decimal(section["ratio"], &tracing.ratio, 1.0, "a number above 0, up to 1");
  if (cursor.is_map()) *target = std::move(tracing);
}

}  // namespace sockhook::conf
