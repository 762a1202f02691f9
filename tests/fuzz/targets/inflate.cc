// Messages that a client has compressed, one after the other.
//
// Checked: never more bytes than the limit; an inflater that forgets between messages gives the
// same as a fresh one, whatever broken messages it has seen before.
//
// Byte 0: takeover and the window's bits; byte 1: the limit; then messages, each behind its length
// in two bytes (the last one may be cut off).

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/websocket/inflater.h"
#include "tests/fuzz/input.h"

namespace {

using sockhook::fuzz::Input;
using sockhook::websocket::Inflater;

void compare_with_fresh(std::string_view message, std::size_t limit, int bits,
                        Inflater::Result result, const std::string& out) {
  Inflater fresh(bits, false);
  std::string other;
  SOCKHOOK_CHECK(fresh.inflate(message, limit, &other) == result);
  SOCKHOOK_CHECK(result != Inflater::Result::kDone || other == out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint8_t choice = input.byte();
  const bool takeover = (choice & 1) != 0;
  const int bits = 9 + (choice >> 1) % 7;
  const std::size_t limit = std::size_t{input.byte()} * 1024;
  Inflater inflater(bits, takeover);
  std::string out;
  for (int messages = 0; messages < 8 && !input.rest().empty(); ++messages) {
    const std::size_t length = std::size_t{input.byte()} << 8U | input.byte();
    const std::string_view message = input.take(length);
    const Inflater::Result result = inflater.inflate(message, limit, &out);
    if (result == Inflater::Result::kDone) SOCKHOOK_CHECK(out.size() <= limit);
    if (!takeover) compare_with_fresh(message, limit, bits, result, out);
    if (takeover && result != Inflater::Result::kDone) return 0;
  }
  return 0;
}
