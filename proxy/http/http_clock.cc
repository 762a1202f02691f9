#include "proxy/http/http_clock.h"

#include <chrono>
#include <cstdint>
#include <string>

#include "protocol/http/http_writer.h"

namespace sockhook::http {

std::string_view current_http_date() {
  thread_local std::int64_t formatted_second = -1;
  thread_local std::string date;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  if (now != formatted_second) {
    date = http_date(now);
    formatted_second = now;
  }
  return date;
}

}  // namespace sockhook::http
