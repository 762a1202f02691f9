#include "protocol/http/http_message.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sockhook::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> next_list_element(std::string_view& list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty()) return element;
  }
  return std::nullopt;
}

Headers::Headers(std::initializer_list<Header> fields) : fields_(fields), size_(fields_.size()) {}

Headers::Headers(const Headers& other) : fields_(other.begin(), other.end()), size_(other.size_) {}

Headers& Headers::operator=(const Headers& other) {
  if (this == &other) return *this;
  fields_.assign(other.begin(), other.end());
  size_ = other.size_;
  return *this;
}

Headers::Headers(Headers&& other) noexcept
    : fields_(std::move(other.fields_)), size_(std::exchange(other.size_, 0)) {
  other.fields_.clear();
}

Headers& Headers::operator=(Headers&& other) noexcept {
  std::swap(fields_, other.fields_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Headers::add(std::string_view name, std::string_view value) {
  if (size_ < fields_.size()) {
    fields_[size_].name.assign(name);
    fields_[size_].value.assign(value);
  } else {
    fields_.push_back(Header{std::string(name), std::string(value)});
  }
  ++size_;
}

void Headers::set(std::string_view name, std::string_view value) {
  bool found = false;
  remove_if([&](const Header& field) {
    if (!equals_ignoring_case(field.name, name)) return false;
    return std::exchange(found, true);
  });
  if (!found) return add(name, value);
  for (Header& field : *this) {
    if (equals_ignoring_case(field.name, name)) field.value.assign(value);
  }
}

std::size_t Headers::remove(std::string_view name) {
  return remove_if([&](const Header& field) { return equals_ignoring_case(field.name, name); });
}

const std::string* Headers::find(std::string_view name) const {
  for (const Header& field : *this) {
    if (equals_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      begin(), end(), [&](const Header& field) { return equals_ignoring_case(field.name, name); }));
}

std::vector<std::string_view> Headers::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Header& field : *this) {
    if (equals_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const Header& field : *this) {
    if (!equals_ignoring_case(field.name, name)) continue;
    std::string_view list = field.value;
    while (const auto element = next_list_element(list)) {
      if (equals_ignoring_case(*element, token)) return true;
    }
  }
  return false;
}

bool operator==(const Headers& a, const Headers& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void RequestHead::clear() {
  method.clear();
  target.clear();
  minor_version = 1;
  headers.clear();
  keep_alive = true;
  expects_continue = false;
  wants_upgrade = false;
  framing = BodyFraming::none();
}

void ResponseHead::clear() {
  status = 0;
  reason.clear();
  minor_version = 1;
  headers.clear();
  keep_alive = true;
  framing = BodyFraming::none();
}

namespace {

struct StatusPhrase {
  int status;
  const char* phrase;
};

// IANA's registry of HTTP status codes.
constexpr std::array kPhrases = std::to_array<StatusPhrase>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
});

}  // namespace

const char* reason_phrase(int status) {
  const auto* const entry =
      std::lower_bound(kPhrases.begin(), kPhrases.end(), status,
                       [](const StatusPhrase& a, int b) { return a.status < b; });
  return entry != kPhrases.end() && entry->status == status ? entry->phrase : "";
}

}  // namespace sockhook::http
