#include "bench/frames.h"

#include <array>

namespace bench {
namespace {

constexpr uint8_t kFin = 0x80;

}  // namespace

ServerFrame read_frame(std::string_view bytes) {
  const auto byte = [bytes](std::size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() < 2) return {};
  std::size_t length = byte(1) & 0x7F;
  const std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < 2 + length_bytes) return {};
  if (length_bytes > 0) length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(2 + i);
  const std::size_t head = 2 + length_bytes;
  if (bytes.size() - head < length) return {};
  return {static_cast<uint8_t>(byte(0) & 0xF), bytes.substr(head, length), head + length};
}

std::string client_frame(uint8_t opcode, std::string_view payload) {
  constexpr std::array<char, 4> kMask = {'\x37', '\x7A', '\x21', '\x3D'};
  std::string frame;
  frame.push_back(static_cast<char>(kFin | opcode));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    const int length_bytes = payload.size() <= 0xFFFF ? 2 : 8;
    frame.push_back(static_cast<char>(0x80 | (length_bytes == 2 ? 126 : 127)));
    for (int i = length_bytes - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(payload.size() >> (8 * i)));
    }
  }
  frame.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ kMask[i % kMask.size()]));
  }
  return frame;
}

}  // namespace bench
