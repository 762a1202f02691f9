#include "protocol/webhook/batch_reader.h"

#include <charconv>
#include <optional>
#include <utility>

#include "protocol/webhook/base64.h"
#include "protocol/webhook/json_reader.h"
#include "protocol/webhook/json_value.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

// Of members that mean nothing to us.
constexpr std::size_t kMaxDepth = 64;

}  // namespace

// Each function is false when the text is no JSON; what is wrong with an entry is kept in `why_`.
class BatchReader::Parser {
 public:
  Parser(std::string_view text, BatchReader& batch) : reader_(text), batch_(batch) {}

  bool document() {
    if (!reader_.take('[')) return false;
    if (!reader_.take(']')) {
      do {
        if (!entry()) return false;
      } while (reader_.take(','));
      if (!reader_.take(']')) return false;
    }
    return reader_.is_at_end();
  }

 private:
  bool entry() {
    id_.reset();
    status_.reset();
    headers_.clear();
    body_.reset();
    body_base64_.reset();
    why_.clear();
    if (reader_.peek() != '{') {
      ++batch_.nameless_;
      return skip();
    }
    reader_.take('{');
    if (!reader_.take('}')) {
      do {
        if (!member()) return false;
      } while (reader_.take(','));
      if (!reader_.take('}')) return false;
    }
    keep();
    return true;
  }

  bool member() {
    const auto name = reader_.take_string();
    if (!name || !reader_.take(':')) return false;
    if (name->raw == "id") return text(id_, "id");
    if (name->raw == "status") return status();
    if (name->raw == "headers") return headers();
    if (name->raw == "body") return text(body_, "body");
    if (name->raw == "body_base64") return text(body_base64_, "body_base64");
    return skip();
  }

  bool text(std::optional<std::string>& value, const char* name) {
    value.reset();
    if (reader_.peek() == 'n') return reader_.take_word("null");
    if (reader_.peek() != '"') return reject(name, " is no string") && skip();
    const auto string = reader_.take_string();
    if (!string) return false;
    if (!unescape(*string, value.emplace())) return reject(name, " is no text");
    return true;
  }

  bool status() {
    status_.reset();
    if (reader_.peek() == 'n') return reader_.take_word("null");
    if (is_no_number()) return skip();
    const auto number = reader_.take_number();
    if (!number) return false;
    int value = 0;
    const char* const end = number->data() + number->size();
    const auto parsed = std::from_chars(number->data(), end, value);
    const bool is_status = parsed.ec == std::errc{} && parsed.ptr == end;
    if (is_status && value >= 100 && value <= 999) status_ = value;
    return true;
  }

  bool headers() {
    headers_.clear();
    if (reader_.peek() == 'n') return reader_.take_word("null");
    if (reader_.peek() != '{') return reject("headers", " is no object") && skip();
    reader_.take('{');
    if (reader_.take('}')) return true;
    do {
      const auto raw = reader_.take_string();
      if (!raw || !reader_.take(':')) return false;
      std::string name;
      if (!unescape(*raw, name)) reject("headers", " has a name that is no text");
      if (!header(name)) return false;
    } while (reader_.take(','));
    return reader_.take('}');
  }

  bool header(const std::string& name) {
    if (!reader_.take('[')) return header_value(name);
    if (reader_.take(']')) return true;
    do {
      if (!header_value(name)) return false;
    } while (reader_.take(','));
    return reader_.take(']');
  }

  // A plain value; numbers and booleans as they are written.
  bool header_value(const std::string& name) {
    const auto word = [&](std::string_view text) {
      headers_.add(name, text);
      return reader_.take_word(text);
    };
    switch (reader_.peek()) {
      case '"': {
        const auto raw = reader_.take_string();
        if (!raw) return false;
        std::string value;
        if (!unescape(*raw, value)) return reject("headers", " has a value that is no text");
        headers_.add(name, value);
        return true;
      }
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return reader_.take_word("null");
      case '{':
      case '[':
        return reject("headers", " has a value that is neither plain nor an array") && skip();
      default:
        const auto number = reader_.take_number();
        if (number) headers_.add(name, *number);
        return number.has_value();
    }
  }

  void keep() {
    if (!id_) {
      ++batch_.nameless_;
      return;
    }
    const auto [place, is_new] = batch_.entries_.try_emplace(std::move(*id_), answer());
    if (!is_new) place->second = Failure{std::string("the answer has more than one entry for it")};
  }

  Entry answer() {
    if (!why_.empty()) return Failure{std::move(why_)};
    if (!status_) return Failure{std::string("its entry has no status")};
    if (body_ && body_base64_) return Failure{std::string("its entry has two bodies")};
    HttpAnswer answer;
    answer.status = *status_;
    answer.headers = std::move(headers_);
    if (body_) answer.body = std::move(*body_);
    if (!body_base64_) return answer;
    auto decoded = decode_base64(*body_base64_);
    if (!decoded) return Failure{std::string("its entry's body_base64 is no base64")};
    answer.body = std::move(*decoded);
    return answer;
  }

  bool skip() { return take_value<AnyJson>(reader_, kMaxDepth); }
  bool is_no_number() {
    const char first = reader_.peek();
    return first != '-' && (first < '0' || first > '9');
  }
  static bool unescape(const JsonReader::String& string, std::string& text) {
    if (string.has_escapes) return append_unescaped(text, string.raw);
    text = string.raw;
    return true;
  }
  // True: the text goes on.
  bool reject(const char* member, const char* what) {
    why_ = std::string("its entry's ") + member + what;
    return true;
  }

  JsonReader reader_;
  BatchReader& batch_;
  // Of the entry at hand.
  std::optional<std::string> id_;
  std::optional<int> status_;
  http::Headers headers_;
  std::optional<std::string> body_;
  std::optional<std::string> body_base64_;
  std::string why_;
};

Result<BatchReader, std::string> BatchReader::read(const HttpAnswer& answer) {
  if (answer.status < 200 || answer.status > 299) {
    return Failure{"the batch was answered with status " + std::to_string(answer.status)};
  }
  if (const auto why = unreadable(answer); !why.empty()) return Failure{std::string(why)};
  BatchReader batch;
  if (!websocket::is_valid_utf8(answer.body) || !Parser(answer.body, batch).document()) {
    return Failure{std::string("the answer is no JSON array")};
  }
  return batch;
}

BatchReader::Entry BatchReader::take(std::string_view event_id) {
  const auto found = entries_.find(event_id);
  if (found == entries_.end()) return Failure{std::string("the answer has no entry for it")};
  Entry entry = std::move(found->second);
  entries_.erase(found);
  return entry;
}

}  // namespace sockhook::webhook
