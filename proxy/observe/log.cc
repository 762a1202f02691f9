#include "proxy/observe/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>

#include "protocol/websocket/utf8.h"

namespace sockhook::observe {
namespace {

constexpr std::size_t kQueuedLines = 8192;

std::shared_ptr<spdlog::logger> logger;
std::atomic<Level> threshold{Level::kInfo};
LogFormat line_format = LogFormat::kLogfmt;

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view name_of(Level level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  return kNames[static_cast<int>(level)];
}

// Escapes for a JSON string, which logfmt's quoted values share. UTF-8 stays; of a text that is
// none (a hostile peer's) each such byte becomes \u00xx, so that the line is valid JSON.
void append_escaped(std::string& out, std::string_view text) {
  const bool is_utf8 = websocket::is_valid_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8)) {
      char code[8];
      std::snprintf(code, sizeof(code), "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '\\' || c == '=') return true;
  }
  return false;
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

void start_log(Level level, LogFormat format) {
  threshold = level;
  line_format = format;
  spdlog::init_thread_pool(kQueuedLines, 1);
  auto sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  logger =
      std::make_shared<spdlog::async_logger>("sockhook", std::move(sink), spdlog::thread_pool(),
                                             spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog::level::trace);
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::trace);
}

// The writing thread has ended, behind the last line, before anything that it touches is freed.
void stop_log() {
  spdlog::shutdown();
  logger.reset();
}

bool is_logged(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

uint64_t dropped_log_lines() {
  const auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

LogLine::LogLine(Level level, std::string_view message)
    : is_logged_(logger && is_logged(level)), level_(level) {
  if (!is_logged_) return;
  line_ =
      line_format == LogFormat::kJson ? "{\"time\":\"" + now_text() + "\"" : "time=" + now_text();
  field("level", name_of(level));
  field("msg", message);
}

LogLine::~LogLine() {
  if (!is_logged_) return;
  if (line_format == LogFormat::kJson) line_ += '}';
  logger->log(spdlog_level(level_), line_);
}

LogLine& LogLine::field(std::string_view key, std::string_view value) {
  if (!is_logged_) return *this;
  if (line_format == LogFormat::kJson) {
    line_ += ",\"";
    line_ += key;
    line_ += "\":\"";
    append_escaped(line_, value);
    line_ += '"';
    return *this;
  }
  line_ += ' ';
  line_ += key;
  line_ += '=';
  if (!needs_quotes(value)) {
    line_ += value;
    return *this;
  }
  line_ += '"';
  append_escaped(line_, value);
  line_ += '"';
  return *this;
}

LogLine& LogLine::field(std::string_view key, int64_t value) {
  if (!is_logged_) return *this;
  if (line_format == LogFormat::kJson) {
    line_ += ",\"";
    line_ += key;
    line_ += "\":";
  } else {
    line_ += ' ';
    line_ += key;
    line_ += '=';
  }
  line_ += std::to_string(value);
  return *this;
}

LogLine& LogLine::field(std::string_view key, uint64_t value) {
  return field(key, static_cast<int64_t>(value));
}

LogLine& LogLine::optional_field(std::string_view key, std::string_view value) {
  return value.empty() ? *this : field(key, value);
}

}  // namespace sockhook::observe
