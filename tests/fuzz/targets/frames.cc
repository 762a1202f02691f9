// A client's bytes as the session reads them: frames, reassembly, UTF-8, close frames.
//
// Checked: however the bytes are cut, the same events come; what a reader hands out is within its
// limits; text is UTF-8; nothing comes behind a close or a violation; nothing stays borrowed.
//
// Byte 0: the limits; byte 1: the cuts; then what the client sends.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/check.h"
#include "protocol/websocket/close_code.h"
#include "protocol/websocket/message_reader.h"
#include "protocol/websocket/utf8.h"
#include "tests/fuzz/input.h"

namespace {

using sockhook::fuzz::Cuts;
using sockhook::fuzz::Input;
using sockhook::websocket::DecoderPool;
using sockhook::websocket::Incoming;
using sockhook::websocket::Inflater;
using sockhook::websocket::MessageReader;
using sockhook::websocket::ReaderLimits;

struct Event {
  Incoming::Kind kind;
  bool binary;
  std::uint16_t code;
  std::string payload;
  std::string reason;
  friend bool operator==(const Event&, const Event&) = default;
};

ReaderLimits limits_of(std::uint8_t choice) {
  ReaderLimits limits;
  if ((choice & 1) != 0) limits.message_size = 64;
  if ((choice & 2) != 0) limits.frame_size = 32;
  if ((choice & 4) != 0) limits.binary = false;
  if ((choice & 8) != 0) limits.fragments = 3;
  return limits;
}

void check(const Incoming& event, const ReaderLimits& limits) {
  using Kind = Incoming::Kind;
  if (event.kind == Kind::kMessage) {
    SOCKHOOK_CHECK(event.payload.size() <= limits.message_size);
    SOCKHOOK_CHECK(limits.binary || !event.binary);
    SOCKHOOK_CHECK(event.binary || sockhook::websocket::is_valid_utf8(event.payload));
  }
  if (event.kind == Kind::kPing || event.kind == Kind::kPong) {
    SOCKHOOK_CHECK(event.payload.size() <= sockhook::websocket::kMaxControlPayloadBytes);
  }
  if (event.kind == Kind::kClose || event.kind == Kind::kViolation) {
    SOCKHOOK_CHECK(sockhook::websocket::is_valid_close_code(event.close_code) ||
                   event.close_code == sockhook::websocket::close_code::kNoStatus);
    SOCKHOOK_CHECK(sockhook::websocket::is_valid_utf8(event.reason));
  }
}

void read(std::string_view bytes, MessageReader& reader, const ReaderLimits& limits,
          std::vector<Event>* events) {
  while (!bytes.empty()) {
    const bool was_ended = reader.is_ended();
    const Incoming event = reader.next(&bytes, limits);
    if (event.kind == Incoming::Kind::kNeedMore) {
      SOCKHOOK_CHECK(bytes.empty());
      continue;
    }
    SOCKHOOK_CHECK(!was_ended);
    check(event, limits);
    events->push_back({event.kind, event.binary, event.close_code, std::string(event.payload),
                       std::string(event.reason)});
  }
}

std::vector<Event> read_all(Cuts cuts, ReaderLimits limits, bool is_compressed) {
  // It forgets each message: one serves all.
  static Inflater inflater(15, false);
  if (is_compressed) limits.inflater = &inflater;
  DecoderPool pool;
  std::vector<Event> events;
  {
    MessageReader reader(pool);
    while (!cuts.is_done()) {
      // Memory of its own, so that reading over its end is seen.
      const std::vector<char> piece = [&] {
        const std::string_view next = cuts.next();
        return std::vector<char>(next.begin(), next.end());
      }();
      read({piece.data(), piece.size()}, reader, limits, &events);
    }
  }
  SOCKHOOK_CHECK(pool.borrowed() == 0);
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint8_t choice = input.byte();
  const std::uint8_t seed = input.byte();
  const ReaderLimits limits = limits_of(choice);
  const bool is_compressed = (choice & 16) != 0;
  const std::string_view bytes = input.rest();
  const std::vector<Event> whole = read_all(Cuts::whole(bytes), limits, is_compressed);
  SOCKHOOK_CHECK(whole == read_all(Cuts(bytes, seed), limits, is_compressed));
  return 0;
}
