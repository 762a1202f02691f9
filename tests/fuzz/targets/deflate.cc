// What we compress, a client gets back: for all windows, levels, with takeover and without.
//
// Byte 0: takeover and the window's bits; byte 1: the level; then messages, one in each line.

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/websocket/deflater.h"
#include "protocol/websocket/inflater.h"
#include "tests/fuzz/input.h"

using sockhook::fuzz::Input;
using sockhook::websocket::Deflater;
using sockhook::websocket::Inflater;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint8_t choice = input.byte();
  const bool takeover = (choice & 1) != 0;
  const int bits = 9 + (choice >> 1) % 7;
  Deflater deflater(bits, 1 + input.byte() % 9, takeover);
  Inflater inflater(bits, takeover);
  std::string out;
  while (!input.rest().empty()) {
    const std::string_view message = input.line();
    if (message.empty()) continue;
    const std::string compressed = deflater.deflate(message);
    SOCKHOOK_CHECK(inflater.inflate(compressed, message.size(), &out) == Inflater::Result::kDone);
    SOCKHOOK_CHECK(out == message);
    // A fan-out sends one copy to many: the next time it must be the same.
    if (!takeover) SOCKHOOK_CHECK(deflater.deflate(message) == compressed);
  }
  return 0;
}
