// Frames of RFC 6455, as much of them as a client of a server that behaves needs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

enum Opcode : uint8_t { kText = 0x1, kBinary = 0x2, kClose = 0x8, kPing = 0x9, kPong = 0xA };

struct ServerFrame {
  uint8_t opcode = 0;
  std::string_view payload;
  std::size_t size = 0;  // 0: not all there
};

// The frame at the front of `bytes`. A view into them.
ServerFrame read_frame(std::string_view bytes);

// A masked frame, whole.
std::string client_frame(uint8_t opcode, std::string_view payload);

}  // namespace bench
