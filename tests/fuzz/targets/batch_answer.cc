// The answer to a batch of events, and the batch itself, in which clients' messages travel.
//
// Checked: each event has one answer or a reason for none; whatever a message is, the batch around
// it is JSON that another parser takes, with the message in it.
//
// Byte 0: the status; then the answer's body, which is a message's payload, too.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/base/check.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/batch_reader.h"
#include "protocol/webhook/batch_writer.h"
#include "protocol/websocket/utf8.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook;
using nlohmann::json;
using webhook::BatchReader;

void read(int status, std::string_view body) {
  webhook::HttpAnswer answer;
  answer.status = status;
  answer.body = body;
  auto batch = BatchReader::read(std::move(answer));
  if (!batch) {
    SOCKHOOK_CHECK(!batch.error().empty());
    return;
  }
  for (const char* id : {"c-1", "c-2", "c-1"}) {
    const BatchReader::Entry entry = batch->take(id);
    if (!entry) {
      SOCKHOOK_CHECK(!entry.error().empty());
      continue;
    }
    SOCKHOOK_CHECK(entry->status >= 100 && entry->status <= 999);
    // Its headers have effects, and never go further.
    webhook::interpret_message_answer(webhook::Format::kEvents, *entry);
  }
  SOCKHOOK_CHECK(!batch->take("c-1"));
}

webhook::Event message(std::string_view payload, bool is_binary, bool is_json) {
  webhook::Event event;
  event.number = 1;
  event.connection_id = "c";
  event.node = "gw-1";
  event.endpoint = "chat";
  event.route_key = "$default";
  event.state = payload.substr(0, 16);
  event.payload = payload;
  event.is_binary = is_binary;
  event.is_json = is_json;
  return event;
}

void check_event(const json& event, std::string_view payload) {
  if (event.contains("data_base64")) {
    SOCKHOOK_CHECK(webhook::decode_base64(event["data_base64"].get<std::string>()) == payload);
  } else if (event.contains("data") && event["datacontenttype"] != "application/json") {
    SOCKHOOK_CHECK(event["data"] == payload);
  } else if (event.contains("data")) {
    SOCKHOOK_CHECK(event["data"] == json::parse(payload));
  } else {
    SOCKHOOK_CHECK(payload.empty());
  }
}

void write(std::string_view payload) {
  const bool is_text = websocket::is_valid_utf8(payload);
  webhook::BatchWriter writer;
  SOCKHOOK_CHECK(writer.add(message(payload, !is_text, false), 1));
  const bool fits = writer.add(message(payload, !is_text, is_text), 4096);
  const std::string_view body = writer.end();
  SOCKHOOK_CHECK(!fits || body.size() <= 4096);
  const json batch = json::parse(body, nullptr, false);
  SOCKHOOK_CHECK(batch.is_array() && batch.size() == (fits ? 2U : 1U));
  for (const json& event : batch) check_event(event, payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const int status = input.byte() % 8 == 0 ? 500 : 200;
  read(status, input.rest());
  write(input.rest());
  return 0;
}
