#include "proxy/management/batch_line.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/webhook/base64.h"

namespace sockhook::management {
namespace {

using Json = nlohmann::json;

// Every event answers whether to go on; the first reason to stop is kept.
class LineReader final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_unsigned(number_unsigned_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }

  bool string(string_t& value) override {
    if (depth_ == 0) return stop("a line is an object");
    if (in_exclude_) {
      line.exclude.push_back(std::move(value));
      return true;
    }
    if (key_ == "exclude") return stop("exclude is a list of ids");
    keep(value);
    return true;
  }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) override {
    return ++depth_ == 1 || stop("a line is a flat object");
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 1 || in_exclude_ || key_ != "exclude") return stop("a line is a flat object");
    in_exclude_ = true;
    line.exclude.clear();
    return true;
  }
  bool end_array() override {
    in_exclude_ = false;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return stop("the line is not JSON");
  }

  BatchLine line;
  std::optional<std::string> text;
  std::optional<std::string> base64;
  std::string mistake;

 private:
  bool stop(std::string_view why) {
    if (mistake.empty()) mistake = why;
    return false;
  }
  void keep(string_t& value) {
    if (key_ == "method") {
      line.method = std::move(value);
    } else if (key_ == "path") {
      line.path = std::move(value);
    } else if (key_ == "text") {
      text = std::move(value);
    } else if (key_ == "base64") {
      base64 = std::move(value);
    } else if (key_ == "idempotencyKey") {
      line.idempotency_key = std::move(value);
    }
  }
  bool other_value() {
    if (depth_ == 0) return stop("a line is an object");
    if (in_exclude_ || key_ == "exclude") return stop("exclude is a list of ids");
    for (const std::string_view name : {"method", "path", "text", "base64", "idempotencyKey"}) {
      if (key_ == name) return stop(key_ + " is a string");
    }
    return true;
  }

  std::size_t depth_ = 0;
  bool in_exclude_ = false;
  std::string key_;
};

}  // namespace

Result<BatchLine, std::string> parse_batch_line(std::string_view text) {
  LineReader reader;
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) {
    return Failure{std::move(reader.mistake)};
  }
  BatchLine& line = reader.line;
  if (line.method.empty() || line.path.empty()) {
    return Failure{std::string("a line has a method and a path")};
  }
  if (reader.text && reader.base64) return Failure{std::string("text or base64, not both")};
  if (reader.base64) {
    std::optional<std::string> bytes = webhook::decode_base64(*reader.base64);
    if (!bytes) return Failure{std::string("base64 is malformed")};
    line.payload = std::move(*bytes);
    line.is_binary = true;
  } else if (reader.text) {
    line.payload = std::move(*reader.text);
  }
  return std::move(line);
}

}  // namespace sockhook::management
