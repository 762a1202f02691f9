#include "protocol/websocket/inflater.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "protocol/base/check.h"

namespace sockhook::websocket {
namespace {

// What the sender has left out at the end of a message (section 7.2.2).
constexpr std::string_view kTail{"\x00\x00\xff\xff", 4};
constexpr std::size_t kFirstBytes = 4096;
constexpr std::size_t kWindowBytes = 32 * 1024;

}  // namespace

struct Inflater::State {
  z_stream stream{};
};

Inflater::Inflater(int window_bits, bool takeover)
    : takeover_(takeover), state_(std::make_unique<State>()) {
  SOCKHOOK_CHECK(inflateInit2(&state_->stream, -window_bits) == Z_OK);
}

Inflater::~Inflater() { inflateEnd(&state_->stream); }

Inflater::Result Inflater::inflate(std::string_view compressed, std::size_t limit,
                                   std::string* out) {
  out->clear();
  final_blocks_ = 0;
  if (!takeover_) inflateReset(&state_->stream);
  const Result result = consume(compressed, limit, out);
  return result == Result::kDone ? consume(kTail, limit, out) : result;
}

Inflater::Result Inflater::consume(std::string_view input, std::size_t limit, std::string* out) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  std::size_t size = out->size();
  for (;;) {
    // One byte of room beyond the limit tells a message that fits from one that does not.
    const std::size_t room = std::min(std::max({out->size() * 2, kFirstBytes}), limit + 1);
    if (size == out->size()) out->resize(std::max(room, size));
    stream.next_out = reinterpret_cast<Bytef*>(out->data() + size);
    stream.avail_out = static_cast<uInt>(out->size() - size);
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    size = out->size() - stream.avail_out;
    if (size > limit) return Result::kTooLarge;
    if (code == Z_STREAM_END) {
      if (!begin_next_stream()) return Result::kBroken;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Result::kBroken;
    }
    if (stream.avail_in == 0 && stream.avail_out > 0) break;
  }
  out->resize(size);
  return Result::kDone;
}

// Behind a final block the message may go on, and with takeover its window stays.
bool Inflater::begin_next_stream() {
  if (++final_blocks_ > kMaxFinalBlocks) return false;
  z_stream& stream = state_->stream;
  std::array<Bytef, kWindowBytes> window;
  uInt size = 0;
  if (takeover_) inflateGetDictionary(&stream, window.data(), &size);
  inflateReset(&stream);
  return !takeover_ || inflateSetDictionary(&stream, window.data(), size) == Z_OK;
}

}  // namespace sockhook::websocket
