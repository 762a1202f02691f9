#include "protocol/webhook/batch_writer.h"

#include <algorithm>
#include <charconv>

#include "protocol/http/http_message.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/json_value.h"
#include "protocol/webhook/json_writer.h"
#include "protocol/webhook/timestamp.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

constexpr std::size_t kPortableDepth = 32;
constexpr std::size_t kPortableNumber = 32;

struct PortableJson {
  static bool takes_string(const JsonReader::String& string) {
    if (!string.has_escapes) return true;
    std::string text;
    return append_unescaped(text, string.raw) && text.find('\0') == std::string::npos;
  }
  static bool takes_number(std::string_view number) {
    double value = 0;
    return number.size() <= kPortableNumber &&
           std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{};
  }
};

// "application/json", "application/vnd.x+json; charset=utf-8".
bool is_json_type(std::string_view content_type) {
  const std::string_view type = http::trim(content_type.substr(0, content_type.find(';')));
  const std::string_view subtype = type.substr(std::min(type.find('/'), type.size()));
  const std::size_t plus = subtype.rfind('+');
  return http::equals_ignoring_case(subtype, "/json") ||
         (plus != std::string_view::npos &&
          http::equals_ignoring_case(subtype.substr(plus), "+json"));
}

void write_known(ObjectWriter& object, std::string_view name, std::string_view value) {
  if (!value.empty()) object.text(name, value);
}

void write_data(ObjectWriter& object, const Event& event) {
  const std::string_view type = content_type(event);
  object.text("datacontenttype", type);
  const bool is_json = is_json_type(type);
  if (!event.is_binary && is_json && is_portable_json(event.payload)) {
    object.key("data") += event.payload;
  } else if (!event.is_binary && !is_json) {
    object.text("data", event.payload);
  } else {
    object.text("data_base64", base64(event.payload));
  }
}

void write_event(std::string& out, const Event& event) {
  ObjectWriter object(out);
  object.text("specversion", "1.0");
  object.text("type", ce_type(event.kind));
  object.text("source", ce_source(event));
  object.text("id", event_id(event));
  object.text("time", rfc3339(event.time_ms));
  object.text("connectionid", event.connection_id);
  object.text("endpoint", event.endpoint);
  object.text("routekey", route_key(event));
  write_known(object, "userid", event.user);
  write_known(object, "sockhookstate", event.state);
  write_known(object, "xforwardedfor", event.client_address);
  write_known(object, "xforwardedproto", event.proto);
  write_known(object, "xforwardedhost", event.host);
  write_known(object, "traceparent", event.traceparent);
  write_known(object, "tracestate", event.tracestate);
  write_data(object, event);
}

}  // namespace

bool is_portable_json(std::string_view text) {
  if (!websocket::is_valid_utf8(text)) return false;
  JsonReader reader(text);
  return take_value<PortableJson>(reader, kPortableDepth) && reader.is_at_end();
}

bool BatchWriter::add(const Event& event, std::size_t max_bytes) {
  constexpr std::size_t kEnd = 1;
  const std::size_t length = body_.size();
  body_ += length == 0 ? '[' : ',';
  write_event(body_, event);
  if (length == 0 || body_.size() + kEnd <= max_bytes) return true;
  body_.resize(length);
  return false;
}

std::string_view BatchWriter::end() {
  body_ += ']';
  return body_;
}

}  // namespace sockhook::webhook
