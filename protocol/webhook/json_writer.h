// Writes JSON piecemeal where the bytes matter: order of keys and spaces are the caller's.
//
// Pure functions and a value on the stack, any thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sockhook::webhook {

// A JSON string with its quotes. Only what RFC 8259 section 7 demands is escaped; bytes that are no
// UTF-8 become U+FFFD, so that the document stays valid whatever a client sent.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// Writes the members of one JSON object.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ~ObjectWriter() { out_ += '}'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  // What follows is the value.
  std::string& key(std::string_view name) {
    if (!is_first_) out_ += ',';
    is_first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json_string(key(name), value); }
  void number(std::string_view name, std::int64_t value) { key(name) += std::to_string(value); }

 private:
  std::string& out_;
  bool is_first_ = true;
};

}  // namespace sockhook::webhook
