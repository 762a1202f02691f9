// The words of HTTP/1.1: header fields, and the heads of requests and responses.
//
// Values, owned by whoever holds them; no thread. Names compare without regard to case (RFC 9110
// 5.1) and keep the case that they came with. Order is kept, also among fields of the same name.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockhook::http {

// ASCII only: HTTP's names, tokens and schemes are ASCII.
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string to_lower(std::string_view text);
// Without the spaces and tabs around it (OWS of RFC 9110 5.6.3).
std::string_view trim(std::string_view text);
// The next element of a comma-separated list, trimmed, taken off the front of `list`;
// nullopt at the end. Empty elements are skipped.
std::optional<std::string_view> next_list_element(std::string_view& list);

struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields);
  Headers(const Headers& other);
  Headers& operator=(const Headers& other);
  Headers(Headers&& other) noexcept;
  Headers& operator=(Headers&& other) noexcept;
  ~Headers() = default;

  // Appends, also when fields of that name exist.
  void add(std::string_view name, std::string_view value);
  // Replaces all fields of that name by one, at the place of the first; appends where there is
  // none.
  void set(std::string_view name, std::string_view value);
  // Removes all fields of that name and returns how many there were.
  std::size_t remove(std::string_view name);
  template <typename Predicate>
  std::size_t remove_if(Predicate predicate);
  // Forgets the fields but keeps their memory: a parser fills them again without allocating.
  void clear() { size_ = 0; }

  // The value of the first field of that name, or nullptr.
  const std::string* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  std::size_t count(std::string_view name) const;
  std::vector<std::string_view> find_all(std::string_view name) const;
  // True when the comma-separated list in any field of that name has `token`, whatever its case.
  bool has_token(std::string_view name, std::string_view token) const;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const Header* begin() const { return fields_.data(); }
  const Header* end() const { return fields_.data() + size_; }
  Header* begin() { return fields_.data(); }
  Header* end() { return fields_.data() + size_; }

  friend bool operator==(const Headers& a, const Headers& b);

 private:
  std::vector<Header> fields_;  // those from size_ on are spare
  std::size_t size_ = 0;
};

// How the end of a message's body is found (RFC 9112 6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t {
    kNone,
    kLength,
    kChunked,
    kUntilClose,  // responses only
  };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength: bytes; may be 0

  static BodyFraming none() { return {}; }
  static BodyFraming of_length(std::uint64_t bytes) { return {Kind::kLength, bytes}; }
  static BodyFraming chunked() { return {Kind::kChunked, 0}; }
  static BodyFraming until_close() { return {Kind::kUntilClose, 0}; }

  // True when body bytes may follow.
  bool has_body() const { return kind > Kind::kLength || length > 0; }

  friend bool operator==(const BodyFraming&, const BodyFraming&) = default;
};

struct RequestHead {
  std::string method;
  std::string target;  // origin-form (an absolute-form target has become one), or "*" of OPTIONS
  int minor_version = 1;
  Headers headers;
  bool keep_alive = true;
  bool expects_continue = false;
  bool wants_upgrade = false;  // Upgrade, and Connection: upgrade; of any protocol
  BodyFraming framing;

  void clear();
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  int minor_version = 1;
  Headers headers;
  bool keep_alive = true;
  BodyFraming framing;

  bool is_informational() const { return status >= 100 && status < 200; }
  void clear();
};

// "Not Found" for 404; "" for a status that has no registered phrase.
const char* reason_phrase(int status);

template <typename Predicate>
std::size_t Headers::remove_if(Predicate predicate) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    if (predicate(static_cast<const Header&>(fields_[i]))) continue;
    if (kept != i) std::swap(fields_[kept], fields_[i]);
    ++kept;
  }
  const std::size_t removed = size_ - kept;
  size_ = kept;
  return removed;
}

}  // namespace sockhook::http
