#include "protocol/websocket/deflater.h"

#include <zlib.h>

#include <algorithm>

#include "protocol/base/check.h"

namespace sockhook::websocket {
namespace {

// 00 00 ff ff, which the receiver puts back.
constexpr std::size_t kTailBytes = 4;
// A sync flush adds at most this.
constexpr std::size_t kFlushBytes = 16;

// Tables as large as the window has use for: 8 for 15 bits, 5 for 12, 2 for 9.
int memory_level(int window_bits) { return std::clamp(window_bits - 7, 1, 8); }

}  // namespace

struct Deflater::State {
  z_stream stream{};
};

Deflater::Deflater(int window_bits, int level, bool takeover)
    : takeover_(takeover), state_(std::make_unique<State>()) {
  SOCKHOOK_CHECK(deflateInit2(&state_->stream, level, Z_DEFLATED, -window_bits,
                              memory_level(window_bits), Z_DEFAULT_STRATEGY) == Z_OK);
}

Deflater::~Deflater() { deflateEnd(&state_->stream); }

std::string Deflater::deflate(std::string_view payload) {
  SOCKHOOK_CHECK(!payload.empty());
  z_stream& stream = state_->stream;
  if (!takeover_) deflateReset(&stream);
  std::string out(deflateBound(&stream, payload.size()) + kFlushBytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(payload.data()));
  stream.avail_in = static_cast<uInt>(payload.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  SOCKHOOK_CHECK(::deflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_in == 0 &&
                 stream.avail_out > 0);
  out.resize(out.size() - stream.avail_out - kTailBytes);
  return out;
}

}  // namespace sockhook::websocket
