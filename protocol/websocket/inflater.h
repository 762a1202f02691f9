// Inflater: the payload of one compressed message becomes what it was (RFC 7692 section 7.2.2).
//
// It works on whole messages: one without takeover keeps nothing from one to the next, so that one
// serves all connections of a worker; one with takeover belongs to its connection. Output stops at
// the caller's limit, so that a message that would grow a thousandfold costs no more than that.
//
// About 10 KB, and the window (32 KB for 15 bits) once it is used. Thread: its owner's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sockhook::websocket {

class Inflater {
 public:
  enum class Result : std::uint8_t { kDone, kTooLarge, kBroken };

  // Blocks that say that they are the last (section 7.2.3.5), of one message; more are kBroken:
  // each costs a window with takeover.
  static constexpr unsigned kMaxFinalBlocks = 16;

  Inflater(int window_bits, bool takeover);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Replaces `out` by the message, of at most `limit` bytes. After anything but kDone the contents
  // of `out` mean nothing, and an inflater with takeover cannot go on.
  Result inflate(std::string_view compressed, std::size_t limit, std::string* out);

 private:
  struct State;

  Result consume(std::string_view input, std::size_t limit, std::string* out);
  bool begin_next_stream();

  const bool takeover_;
  unsigned final_blocks_ = 0;  // of this message
  std::unique_ptr<State> state_;
};

}  // namespace sockhook::websocket
