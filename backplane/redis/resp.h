// RESP2, the protocol of Redis and Valkey: commands to bytes, bytes to replies. Binary safe.
//
// Replies are read by hiredis' redisReader, which lives behind ReplyReader. Limits: a reply of
// kMaxReplyBytes or with an array of kMaxElements is an error, as is whatever is not RESP2; after
// an error the reader is of no more use, and neither is its connection.
//
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sockhook::redis {

class Reply {
 public:
  struct Nil {};
  struct Error {
    std::string text;  // "NOSCRIPT No matching script."
  };
  using Array = std::vector<Reply>;
  // A simple string and a bulk string are both a string.
  using Value = std::variant<Nil, std::int64_t, std::string, Array, Error>;

  Reply() = default;
  explicit Reply(Value value) : value_(std::move(value)) {}

  const Value& value() const { return value_; }
  Value& value() { return value_; }

  bool is_nil() const { return std::holds_alternative<Nil>(value_); }
  bool is_error() const { return std::holds_alternative<Error>(value_); }
  // Null, or an empty view, where the reply is something else.
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value_); }
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  std::string_view error() const;
  // The element of an array, or a nil where there is none.
  const Reply& at(std::size_t index) const;
  // True for the error with this first word, also where a script of Redis 6 has wrapped it.
  bool is_error(std::string_view code) const;

 private:
  Value value_;
};

using Arguments = std::span<const std::string_view>;

// Appends one command, its name first among the arguments.
void append_command(std::string& out, Arguments arguments);
// What append_command appends, in bytes, give or take the lengths' digits.
std::size_t command_bytes(Arguments arguments);

class ReplyReader {
 public:
  static constexpr std::size_t kMaxReplyBytes = std::size_t{64} << 20U;
  static constexpr std::size_t kMaxElements = std::size_t{1} << 20U;

  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view data);
  // The next complete reply, if there is one.
  std::optional<Reply> next();
  // Not empty: what came is not RESP2 or too large.
  const std::string& error() const { return error_; }

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
  std::size_t unread_bytes_ = 0;  // fed since the last complete reply
  std::string error_;
};

}  // namespace sockhook::redis
