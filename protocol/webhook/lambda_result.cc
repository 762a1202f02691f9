#include "protocol/webhook/lambda_result.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/webhook/base64.h"

namespace sockhook::webhook {

namespace {

using nlohmann::json;

// nullptr where the member is absent or null.
const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool read_status(const json& value, std::optional<int>& status) {
  int number = 0;
  if (value.is_number_integer()) {
    // Clamped, since a larger integer could wrap around to a valid one.
    number = static_cast<int>(
        std::clamp<json::number_integer_t>(value.get<json::number_integer_t>(), 0, 1000));
  } else if (value.is_string()) {
    const auto& digits = value.get_ref<const std::string&>();
    const char* const end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return false;
  }
  status = number;
  return number >= 200 && number <= 599;
}

std::optional<std::string> header_value(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

bool has(const http::Headers& headers, std::string_view name, std::string_view value) {
  const auto values = headers.find_all(name);
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool read_multi_headers(const json& object, http::Headers& headers) {
  if (!object.is_object()) return false;
  for (const auto& [name, values] : object.items()) {
    if (!values.is_array()) return false;
    for (const json& value : values) {
      const auto text = header_value(value);
      if (!text) return false;
      headers.add(name, *text);
    }
  }
  return true;
}

// A value that stands in both maps counts once, as in API Gateway.
bool read_headers(const json& object, http::Headers& headers) {
  if (!object.is_object()) return false;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null()) continue;
    const auto text = header_value(value);
    if (!text) return false;
    if (!has(headers, name, *text)) headers.add(name, *text);
  }
  return true;
}

}  // namespace

Result<LambdaResult, std::string> parse_lambda_result(const std::string& text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto malformed = [](const char* what) { return Failure{std::string(what)}; };
  if (!object.is_object()) return malformed("the result is no JSON object");
  if (object.contains("errorMessage")) return malformed("the function failed: errorMessage");

  LambdaResult result;
  const json* const status = member(object, "statusCode");
  const json* const body = member(object, "body");
  if (status == nullptr && body == nullptr) {
    return malformed("the result has neither statusCode nor body");
  }
  if (status != nullptr && !read_status(*status, result.status)) {
    return malformed("statusCode is no status from 200 to 599");
  }
  const json* const multi_headers = member(object, "multiValueHeaders");
  if (multi_headers != nullptr && !read_multi_headers(*multi_headers, result.headers)) {
    return malformed("multiValueHeaders is no object of arrays of plain values");
  }
  const json* const headers = member(object, "headers");
  if (headers != nullptr && !read_headers(*headers, result.headers)) {
    return malformed("headers is no object of plain values");
  }
  const json* const is_base64 = member(object, "isBase64Encoded");
  if (is_base64 != nullptr && !is_base64->is_boolean()) {
    return malformed("isBase64Encoded is no boolean");
  }
  result.is_binary = is_base64 != nullptr && is_base64->get<bool>();
  if (body == nullptr) return result;
  if (!body->is_string()) return malformed("body is no string");
  auto& content = object["body"].get_ref<std::string&>();
  if (!result.is_binary) {
    result.body = std::move(content);
    return result;
  }
  auto decoded = decode_base64(content);
  if (!decoded) return malformed("body is no base64");
  result.body = std::move(*decoded);
  return result;
}

}  // namespace sockhook::webhook
