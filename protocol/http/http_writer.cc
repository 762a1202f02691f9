#include "protocol/http/http_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "protocol/http/percent.h"

namespace sockhook::http {

namespace {

constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

constexpr std::array<bool, 256> kControls = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = c != '\t';
  table[0x7F] = true;
  return table;
}();

bool is_control(char c) { return kControls[static_cast<unsigned char>(c)]; }

// Appends `text` such that it stays on its line.
void append_on_line(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += text;
  if (is_field_value(text)) return;
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), is_control, ' ');
}

void append_number(std::string& out, std::uint64_t value, int base) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value, base);
  out.append(digits, end);
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenCharacters[static_cast<unsigned char>(c)];
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c); });
}

void write_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name)) return;
  out += name;
  out += ": ";
  append_on_line(out, value);
  out += "\r\n";
}

void write_header(std::string& out, std::string_view name, std::uint64_t value) {
  if (!is_token(name)) return;
  out += name;
  out += ": ";
  append_number(out, value, 10);
  out += "\r\n";
}

void write_headers(std::string& out, const Headers& headers) {
  for (const Header& field : headers) write_header(out, field.name, field.value);
}

void write_request_line(std::string& out, std::string_view method, std::string_view target) {
  append_on_line(out, method);
  out += ' ';
  for (const char c : target) {
    if (c > 0x20 && c < 0x7F) {
      out += c;
    } else {
      out += percent_encode(std::string_view(&c, 1));
    }
  }
  out += " HTTP/1.1\r\n";
}

void write_status_line(std::string& out, int status, std::string_view reason) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(status), 10);
  out += ' ';
  append_on_line(out, reason.empty() ? reason_phrase(status) : reason);
  out += "\r\n";
}

void write_request_head(std::string& out, std::string_view method, std::string_view target,
                        const Headers& headers) {
  write_request_line(out, method, target);
  write_headers(out, headers);
  end_head(out);
}

void write_response_head(std::string& out, int status, std::string_view reason,
                         const Headers& headers) {
  write_status_line(out, status, reason);
  write_headers(out, headers);
  end_head(out);
}

void write_chunk_size(std::string& out, std::size_t size) {
  append_number(out, size, 16);
  out += "\r\n";
}

void write_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  write_chunk_size(out, data.size());
  out += data;
  out += kChunkEnd;
}

void write_last_chunk(std::string& out, const Headers& trailers) {
  out += "0\r\n";
  write_headers(out, trailers);
  out += "\r\n";
}

std::string http_date(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  // strftime would write the names of the process's locale.
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  const int length = std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                                   utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace sockhook::http
