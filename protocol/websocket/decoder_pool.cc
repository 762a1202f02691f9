#include "protocol/websocket/decoder_pool.h"

#include <utility>

namespace sockhook::websocket {

std::unique_ptr<FrameDecoder> DecoderPool::borrow() {
  ++borrowed_;
  if (free_.empty()) return std::make_unique<FrameDecoder>();
  std::unique_ptr<FrameDecoder> decoder = std::move(free_.back());
  free_.pop_back();
  return decoder;
}

void DecoderPool::give_back(std::unique_ptr<FrameDecoder> decoder) {
  --borrowed_;
  if (free_.size() < kMaxFreeDecoders) {
    free_.push_back(std::move(decoder));
  } else {
    free_.back() = std::move(decoder);
  }
}

void DecoderPool::throw_away(std::unique_ptr<FrameDecoder> decoder) {
  --borrowed_;
  decoder.reset();
}

void DecoderPool::reclaim() {
  finished_.reset();
  scratch_.reset(kMaxRetainedBytes);
}

}  // namespace sockhook::websocket
