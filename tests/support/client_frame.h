// What a WebSocket client puts on the wire, right or wrong: masked frames of any header bits.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/websocket/frame_format.h"

namespace sockhook::testing {

struct FrameBits {
  bool fin = true;
  bool masked = true;
  uint8_t rsv = 0;             // RSV1 is 4
  int length_bytes = -1;       // 0, 2 or 8; -1: the smallest
  uint64_t announced = ~0ULL;  // the length in the header; ~0: that of the payload
};

inline std::string client_header(uint8_t opcode, uint64_t length, const FrameBits& bits) {
  using namespace websocket;
  int length_bytes = bits.length_bytes;
  if (length_bytes < 0) length_bytes = length < kLength16 ? 0 : length <= 0xFFFF ? 2 : 8;
  const uint64_t code = length_bytes == 0 ? length : length_bytes == 2 ? kLength16 : kLength64;
  std::string header;
  header.push_back(static_cast<char>((bits.fin ? kFinBit : 0) | bits.rsv << 4 | opcode));
  header.push_back(static_cast<char>((bits.masked ? kMaskBit : 0) | code));
  for (int i = length_bytes - 1; i >= 0; --i)
    header.push_back(static_cast<char>(length >> (8 * i)));
  return header;
}

inline std::string client_frame(uint8_t opcode, std::string_view payload,
                                const FrameBits& bits = {}) {
  constexpr std::array<char, 4> kMask = {'\x37', '\xFA', '\x21', '\x3D'};
  const uint64_t length = bits.announced == ~0ULL ? payload.size() : bits.announced;
  std::string frame = client_header(opcode, length, bits);
  if (bits.masked) frame.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(bits.masked ? payload[i] ^ kMask[i % 4] : payload[i]));
  }
  return frame;
}

inline std::string client_frame(websocket::Opcode opcode, std::string_view payload,
                                const FrameBits& bits = {}) {
  return client_frame(static_cast<uint8_t>(opcode), payload, bits);
}

}  // namespace sockhook::testing
