// What a client makes of a server's bytes: its unmasked frames, one line of text for each, as
// "text hello", "binary \x01", "ping", "pong x", "close 1000 bye" or "close".

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"
#include "protocol/websocket/frame_format.h"

namespace sockhook::testing {

inline uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

inline std::string describe_frame(websocket::Opcode opcode, std::string_view payload) {
  using websocket::Opcode;
  const std::string rest(payload);
  const std::string with_space = rest.empty() ? rest : " " + rest;
  switch (opcode) {
    case Opcode::kText:
      return "text" + with_space;
    case Opcode::kBinary:
      return "binary" + with_space;
    case Opcode::kPing:
      return "ping" + with_space;
    case Opcode::kPong:
      return "pong" + with_space;
    case Opcode::kClose:
      if (rest.empty()) return "close";
      return "close " + std::to_string(big_endian(payload.substr(0, 2))) +
             (rest.size() > 2 ? " " + rest.substr(2) : "");
    case Opcode::kContinuation:
      break;
  }
  return "continuation" + with_space;
}

// `bytes` are whole frames.
inline std::vector<std::string> server_frames(std::string_view bytes) {
  using namespace websocket;
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    SOCKHOOK_CHECK(bytes.size() >= 2 && (bytes[0] & kFinBit) != 0 && (bytes[1] & kMaskBit) == 0);
    const auto opcode = static_cast<Opcode>(bytes[0] & 0x0F);
    uint64_t size = static_cast<uint8_t>(bytes[1]);
    const std::size_t length_bytes = size == kLength16 ? 2 : size == kLength64 ? 8 : 0;
    if (length_bytes > 0) size = big_endian(bytes.substr(2, length_bytes));
    bytes.remove_prefix(2 + length_bytes);
    SOCKHOOK_CHECK(bytes.size() >= size);
    frames.push_back(describe_frame(opcode, bytes.substr(0, size)));
    bytes.remove_prefix(size);
  }
  return frames;
}

}  // namespace sockhook::testing
