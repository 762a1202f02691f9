// Deflater: a message's payload becomes what a frame with RSV1 carries (RFC 7692 section 7.2.1).
//
// One without takeover forgets each message, so that one serves all connections of a worker whose
// window has the same size, and its output may go to all of them: a fan-out compresses once. One
// with takeover belongs to its connection, and everything that it made must be sent, in order.
//
// Memory: 268 KB with 15 bits, 30 KB with 12 (zlib's tables included). Thread: its owner's.

#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sockhook::websocket {

class Deflater {
 public:
  // `level`: 1 to 9, zlib's.
  Deflater(int window_bits, int level, bool takeover);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // `payload` is not empty.
  std::string deflate(std::string_view payload);

 private:
  struct State;

  const bool takeover_;
  std::unique_ptr<State> state_;
};

}  // namespace sockhook::websocket
