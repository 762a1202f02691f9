#include "proxy/client/compression.h"

namespace sockhook::client {

using websocket::SharedFrame;

SharedFrame SharedCompression::compress(const SharedFrame& frame, int window_bits, unsigned level) {
  Row& row = rows_.try_emplace({window_bits, level}, window_bits, level).first->second;
  if (row.last != frame) {
    const websocket::DecodedFrame plain = websocket::decode_own_frame(*frame);
    row.last = frame;
    row.compressed =
        websocket::encode_compressed_frame(plain.opcode, row.deflater.deflate(plain.payload));
    if (row.compressed->size() >= frame->size()) row.compressed = frame;
    loop_.soon().arm(forget_);
  }
  return row.compressed;
}

void SharedCompression::on_soon(net::Soon&) {
  for (auto& [key, row] : rows_) row.last = row.compressed = nullptr;
}

SessionCompression::SessionCompression(const websocket::DeflateTerms& terms,
                                       const conf::Compression& conf)
    : server_bits_(terms.server_bits), level_(conf.level), min_size_(conf.min_size) {
  if (terms.client_takeover) {
    inflater_ = std::make_unique<websocket::Inflater>(terms.client_bits, true);
  }
  if (terms.server_takeover) {
    deflater_ = std::make_unique<websocket::Deflater>(terms.server_bits,
                                                      static_cast<int>(conf.level), true);
  }
}

SharedFrame SessionCompression::outgoing(const SharedFrame& frame, SharedCompression& shared) {
  const websocket::DecodedFrame plain = websocket::decode_own_frame(*frame);
  if (plain.payload.empty() || plain.payload.size() < min_size_) return frame;
  if (!deflater_) return shared.compress(frame, server_bits_, level_);
  return websocket::encode_compressed_frame(plain.opcode, deflater_->deflate(plain.payload));
}

}  // namespace sockhook::client
