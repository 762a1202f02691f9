// What Redis answers, and what is read out of it: the slots of a Cluster, redirections.
//
// Checked: however the bytes are cut, the same replies come, and the same fate at the end; a
// command that we write is read as its arguments; what a redirection names is a place.
//
// Byte 0: the cuts; then what the server sends.

#include "backplane/redis/resp.h"

#include <cstdint>
#include <string>
#include <vector>

#include "backplane/redis/cluster_slots.h"
#include "protocol/base/check.h"
#include "tests/fuzz/input.h"

namespace {

using namespace sockhook;
using fuzz::Cuts;
using redis::Reply;

void tell(const Reply& reply, std::string* out) {
  *out += static_cast<char>('0' + reply.value().index());
  if (const std::string* text = reply.string()) *out += std::to_string(text->size()) + *text;
  if (const std::int64_t* number = reply.integer()) *out += std::to_string(*number);
  *out += reply.error();
  if (reply.array() == nullptr) return;
  for (const Reply& element : *reply.array()) tell(element, out);
  *out += ']';
}

void use(const Reply& reply) {
  const conf::HostPort asked{"asked", 1};
  if (const auto place = redis::read_redirection(reply, asked)) {
    SOCKHOOK_CHECK(place->port != 0 && !place->host.empty());
  }
  if (const auto map = redis::read_slots(reply, 4, asked)) {
    SOCKHOOK_CHECK(map->size() == 4);
    for (const auto& place : *map) SOCKHOOK_CHECK(!place || place->port != 0);
  }
}

std::string read(Cuts cuts) {
  redis::ReplyReader reader;
  std::string story;
  while (!cuts.is_done() && reader.error().empty()) {
    const std::string_view next = cuts.next();
    const std::vector<char> piece(next.begin(), next.end());
    reader.feed({piece.data(), piece.size()});
    while (const auto reply = reader.next()) {
      use(*reply);
      tell(*reply, &story);
      story += '\n';
    }
  }
  // An error's words may depend on where the bytes were cut.
  return story + (reader.error().empty() ? "more" : "broken");
}

void check_command(std::string_view bytes) {
  const std::size_t half = bytes.size() / 2;
  const std::string_view arguments[] = {bytes.substr(0, half), bytes.substr(half), ""};
  std::string written;
  redis::append_command(written, arguments);
  redis::ReplyReader reader;
  reader.feed(written);
  const auto reply = reader.next();
  SOCKHOOK_CHECK(reply && reply->array() != nullptr && reply->array()->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    SOCKHOOK_CHECK(reply->at(i).string() != nullptr && *reply->at(i).string() == arguments[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t seed = input.byte();
  SOCKHOOK_CHECK(read(Cuts::whole(input.rest())) == read(Cuts(input.rest(), seed)));
  check_command(input.rest());
  return 0;
}
