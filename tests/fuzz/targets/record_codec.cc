// Records of connections, as dead nodes have left them.
//
// Checked: what is read may stand in a request's head; written again, it is read as the same.

#include "proxy/journal/record_codec.h"

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/http_writer.h"

using namespace sockhook;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const webhook::ConnectionId id;
  auto record = journal::decode_record(id, bytes);
  if (!record) {
    SOCKHOOK_CHECK(!record.error().empty());
    return 0;
  }
  routing::ConnectionFacts& facts = *record->facts;
  SOCKHOOK_CHECK(facts.id == id);
  for (const std::string* value : {&facts.client_text, &facts.host, &facts.user_agent}) {
    SOCKHOOK_CHECK(http::is_field_value(*value));
  }
  auto endpoint = std::make_shared<routing::Endpoint>();
  endpoint->conf.name = record->endpoint;
  facts.endpoint = endpoint;
  const std::string encoded = journal::encode_record(facts);
  const auto again = journal::decode_record(id, encoded);
  SOCKHOOK_CHECK(again && again->endpoint == record->endpoint);
  again->facts->endpoint = endpoint;
  SOCKHOOK_CHECK(journal::encode_record(*again->facts) == encoded);
  return 0;
}
