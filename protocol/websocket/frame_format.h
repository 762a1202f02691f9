// The WebSocket frame on the wire (RFC 6455 section 5.2): its opcodes and fixed sizes.

#pragma once

#include <cstddef>
#include <cstdint>

namespace sockhook::websocket {

enum class Opcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};

constexpr bool is_control(Opcode opcode) { return (static_cast<uint8_t>(opcode) & 0x8) != 0; }

// 0x3-0x7 and 0xB-0xF are reserved (section 5.2).
constexpr bool is_known(Opcode opcode) {
  return static_cast<uint8_t>(opcode) <= 0x2 ||
         (static_cast<uint8_t>(opcode) >= 0x8 && static_cast<uint8_t>(opcode) <= 0xA);
}

constexpr uint8_t kFinBit = 0x80;
constexpr uint8_t kRsv1Bit = 0x40;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLength16 = 126;  // the length is in the next 2 bytes
constexpr uint8_t kLength64 = 127;  // the length is in the next 8 bytes

constexpr std::size_t kMaskBytes = 4;
constexpr std::size_t kMaxServerHeaderBytes = 10;  // frames of a server are never masked
constexpr std::size_t kMaxClientHeaderBytes = kMaxServerHeaderBytes + kMaskBytes;
constexpr std::size_t kMaxControlPayloadBytes = 125;
constexpr std::size_t kMaxCloseReasonBytes = kMaxControlPayloadBytes - 2;

}  // namespace sockhook::websocket
