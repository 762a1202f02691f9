// Runs bytes through a MessageReader, cut in different ways, and copies what comes out.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/websocket/message_reader.h"

namespace sockhook::websocket {

struct Event {
  Incoming::Kind kind = Incoming::Kind::kNeedMore;
  bool binary = false;
  uint16_t close_code = 0;
  std::string text;  // payload, or reason

  bool operator==(const Event&) const = default;
};

inline Event text(std::string payload) {
  return {Incoming::Kind::kMessage, false, 0, std::move(payload)};
}
inline Event binary(std::string payload) {
  return {Incoming::Kind::kMessage, true, 0, std::move(payload)};
}
inline Event ping(std::string payload) {
  return {Incoming::Kind::kPing, false, 0, std::move(payload)};
}
inline Event pong(std::string payload) {
  return {Incoming::Kind::kPong, false, 0, std::move(payload)};
}
inline Event close(uint16_t code, std::string reason) {
  return {Incoming::Kind::kClose, false, code, std::move(reason)};
}
inline Event violation(uint16_t code, std::string reason) {
  return {Incoming::Kind::kViolation, false, code, std::move(reason)};
}

inline void PrintTo(const Event& event, std::ostream* out) {
  *out << "kind " << int(event.kind) << " binary " << event.binary << " code " << event.close_code
       << " [" << event.text.size() << "] " << event.text.substr(0, 200);
}

inline Event copy_of(const Incoming& incoming) {
  unsigned sum = 0;  // read the slack, so that the address sanitizer sees whether it is there
  for (std::size_t i = 0; incoming.payload.data() != nullptr && i < kPayloadSlackBytes; ++i) {
    sum += static_cast<unsigned char>(incoming.payload.data()[incoming.payload.size() + i]);
  }
  EXPECT_LE(sum, kPayloadSlackBytes * 255);
  const bool is_payload = incoming.reason.empty();
  return {incoming.kind, incoming.binary, incoming.close_code,
          std::string(is_payload ? incoming.payload : incoming.reason)};
}

// All events of one piece of input, as a session reads it.
inline void read_piece(MessageReader& reader, std::string_view piece, const ReaderLimits& limits,
                       std::vector<Event>& events) {
  // The piece is copied, so that a reader that keeps a view into it is found out.
  const std::string copy(piece);
  std::string_view input = copy;
  while (!input.empty()) {
    const Incoming incoming = reader.next(&input, limits);
    if (incoming.kind == Incoming::Kind::kNeedMore) {
      EXPECT_TRUE(input.empty());
    } else {
      events.push_back(copy_of(incoming));
    }
  }
}

inline std::vector<Event> read_in_pieces(std::string_view bytes, const ReaderLimits& limits,
                                         std::size_t piece) {
  DecoderPool pool;
  std::vector<Event> events;
  {
    MessageReader reader(pool);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      read_piece(reader, bytes.substr(at, piece), limits, events);
    }
  }
  EXPECT_EQ(pool.borrowed(), 0U);
  return events;
}

inline std::vector<Event> read_in_random_pieces(std::string_view bytes, const ReaderLimits& limits,
                                                unsigned seed) {
  std::mt19937 random(seed);
  DecoderPool pool;
  MessageReader reader(pool);
  std::vector<Event> events;
  while (!bytes.empty()) {
    const std::size_t size =
        std::min<std::size_t>(bytes.size(), 1 + random() % (random() % 2 ? 8 : 3000));
    read_piece(reader, bytes.substr(0, size), limits, events);
    bytes.remove_prefix(size);
  }
  return events;
}

// The events of `bytes`, which must be the same however they are cut.
inline std::vector<Event> read_events(std::string_view bytes, const ReaderLimits& limits = {}) {
  std::vector<Event> whole = read_in_pieces(bytes, limits, bytes.size());
  EXPECT_EQ(read_in_pieces(bytes, limits, 1), whole) << "byte by byte";
  EXPECT_EQ(read_in_pieces(bytes, limits, 2), whole) << "two bytes at a time";
  for (unsigned seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(read_in_random_pieces(bytes, limits, seed), whole) << "random pieces, seed " << seed;
  }
  return whole;
}

}  // namespace sockhook::websocket
