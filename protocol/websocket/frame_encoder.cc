#include "protocol/websocket/frame_encoder.h"

#include "protocol/websocket/close_code.h"

namespace sockhook::websocket {

FrameHead::FrameHead(Opcode opcode, std::size_t payload_size, bool is_compressed) {
  const auto put = [this](uint64_t byte) { bytes_[size_++] = static_cast<char>(byte & 0xFF); };
  put(kFinBit | (is_compressed ? kRsv1Bit : 0) | static_cast<uint8_t>(opcode));
  int length_bytes = 0;
  if (payload_size < kLength16) {
    put(payload_size);
  } else if (payload_size <= 0xFFFF) {
    put(kLength16);
    length_bytes = 2;
  } else {
    put(kLength64);
    length_bytes = 8;
  }
  for (int i = length_bytes - 1; i >= 0; --i) put(uint64_t{payload_size} >> (8 * i));
}

namespace {

SharedFrame join(const FrameHead& head, std::string_view payload) {
  std::string frame;
  frame.reserve(head.bytes().size() + payload.size());
  frame.append(head.bytes()).append(payload);
  return std::make_shared<const std::string>(std::move(frame));
}

}  // namespace

SharedFrame encode_frame(Opcode opcode, std::string_view payload) {
  return join(FrameHead(opcode, payload.size()), payload);
}

SharedFrame encode_compressed_frame(Opcode opcode, std::string_view compressed) {
  return join(FrameHead(opcode, compressed.size(), true), compressed);
}

DecodedFrame decode_own_frame(const std::string& frame) {
  const auto length = static_cast<uint8_t>(frame[1]);
  const std::size_t head_bytes = length < kLength16 ? 2 : length == kLength16 ? 4 : 10;
  return {static_cast<Opcode>(frame[0] & 0xF), std::string_view(frame).substr(head_bytes)};
}

std::string encode_close_body(uint16_t code, std::string_view reason) {
  std::string body;
  if (!is_valid_close_code(code)) return body;
  body.push_back(static_cast<char>(code >> 8));
  body.push_back(static_cast<char>(code & 0xFF));
  body.append(truncate_close_reason(reason));
  return body;
}

SharedFrame encode_close_frame(uint16_t code, std::string_view reason) {
  return encode_frame(Opcode::kClose, encode_close_body(code, reason));
}

}  // namespace sockhook::websocket
