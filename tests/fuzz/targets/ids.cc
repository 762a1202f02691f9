// Connection ids, as callers of the management API write them.
//
// Checked: an id is what it prints; what a node has made it finds again; a foreign or forged id
// leads to no other id's connection.

#include <cstdint>
#include <string_view>

#include "protocol/base/check.h"
#include "protocol/webhook/connection_id.h"

using namespace sockhook::webhook;
// namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto id = ConnectionId::parse(text);
  if (!id) {
    const bool is_spelt = text.find_first_not_of(
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
                              "yz0123456789-_") == text.npos;
    const bool is_well_formed = is_spelt && !text.empty() && size <= 64;
    SOCKHOOK_CHECK(is_well_formed == (id.error() == ConnectionIdError::kForeign));
    return 0;
  }
  SOCKHOOK_CHECK(id->view() == text);
  const IdScheme scheme(id->node_key(), {7, 7});
  if (const auto place = scheme.locate(*id)) {
    SOCKHOOK_CHECK(scheme.make(*place, id->random()) == *id);
  }
  const IdScheme other({{1, 2, 3, 4, 5, 6}}, {7, 7});
  if (id->node_key() != other.node_key()) SOCKHOOK_CHECK(!other.locate(*id));
  return 0;
}
