// Log: one line per event on stdout, as JSON or logfmt, with fields that are always escaped.
//
//   LogLine(Level::kInfo, "connection closed").field("connection", id).field("code", 1000);
//
// The line is written when the LogLine dies. Any thread. Lines go through spdlog's bounded
// asynchronous queue; when stdout cannot keep up the oldest are dropped and counted, since a full
// pipe must never stop a loop. No payloads, tokens or secrets: callers pass none.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sockhook::observe {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kJson, kLogfmt };

// Called once before threads start, and once after they ended.
void start_log(Level level, LogFormat format);
void stop_log();

bool is_logged(Level level);
// Lines lost because stdout could not keep up.
uint64_t dropped_log_lines();

class LogLine {
 public:
  LogLine(Level level, std::string_view message);
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  LogLine& field(std::string_view key, std::string_view value);
  LogLine& field(std::string_view key, const char* value) {
    return field(key, std::string_view(value));
  }
  LogLine& field(std::string_view key, int64_t value);
  LogLine& field(std::string_view key, int value) { return field(key, int64_t{value}); }
  LogLine& field(std::string_view key, uint64_t value);
  // Left out when empty.
  LogLine& optional_field(std::string_view key, std::string_view value);

 private:
  bool is_logged_;
  Level level_;
  std::string line_;
};

}  // namespace sockhook::observe
