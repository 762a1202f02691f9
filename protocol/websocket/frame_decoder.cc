#include "protocol/websocket/frame_decoder.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/check.h"

namespace sockhook::websocket {
namespace {

// The first two bytes of a header tell its size.
std::size_t full_header_size(const char* first_two) {
  const auto second = static_cast<uint8_t>(first_two[1]);
  const uint8_t length = second & 0x7F;
  const std::size_t length_bytes = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
  return 2 + length_bytes + ((second & kMaskBit) != 0 ? kMaskBytes : 0);
}

FrameHeader parse_header(const char* bytes) {
  const auto byte = [bytes](std::size_t i) { return static_cast<uint8_t>(bytes[i]); };
  FrameHeader header;
  header.fin = (byte(0) & kFinBit) != 0;
  header.rsv = (byte(0) >> 4) & 0x7;
  header.opcode = static_cast<Opcode>(byte(0) & 0xF);
  header.masked = (byte(1) & kMaskBit) != 0;
  const uint8_t length = byte(1) & 0x7F;
  if (length < kLength16) {
    header.payload_size = length;
    return header;
  }
  const std::size_t length_bytes = length == kLength16 ? 2 : 8;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    header.payload_size = header.payload_size << 8 | byte(2 + i);
  }
  return header;
}

}  // namespace

FrameDecoder::FrameDecoder() {
  wslay_frame_callbacks callbacks{};
  callbacks.recv_callback = &FrameDecoder::on_wslay_wants_bytes;
  // Fails only where memory is out, as operator new does.
  SOCKHOOK_CHECK(wslay_frame_context_init(&wslay_, &callbacks, this) == 0);
}

FrameDecoder::~FrameDecoder() { wslay_frame_context_free(wslay_); }

FrameDecoder::Step FrameDecoder::read(std::string_view* input) {
  return phase_ == Phase::kHeader ? read_header(input) : read_payload(input);
}

FrameDecoder::Step FrameDecoder::read_header(std::string_view* input) {
  while (header_size_ < 2 || header_size_ < full_header_size(header_bytes_.data())) {
    if (input->empty()) return Step::kNeedMore;
    header_bytes_[header_size_++] = input->front();
    input->remove_prefix(1);
  }
  header_ = parse_header(header_bytes_.data());
  wslay_frame_iocb frame{};
  feed_ = {header_bytes_.data(), header_size_};
  const ssize_t read = wslay_frame_recv(wslay_, &frame);
  const ssize_t expected = header_.payload_size == 0 ? 0 : WSLAY_ERR_WANT_READ;
  if (read != expected || !feed_.empty()) return Step::kMalformed;
  phase_ = Phase::kPayload;
  header_size_ = 0;
  control_size_ = 0;
  payload_left_ = header_.payload_size;
  return Step::kHeader;
}

FrameDecoder::Step FrameDecoder::read_payload(std::string_view* input) {
  payload_ = {};
  while (payload_left_ > 0) {
    if (input->empty()) return Step::kNeedMore;
    feed_ = input->substr(
        0, static_cast<std::size_t>(std::min<uint64_t>(payload_left_, input->size())));
    const std::size_t offered = feed_.size();
    wslay_frame_iocb frame{};
    const ssize_t read = wslay_frame_recv(wslay_, &frame);
    if (read <= 0) return Step::kMalformed;
    input->remove_prefix(offered - feed_.size());
    payload_left_ -= static_cast<uint64_t>(read);
    payload_ = {reinterpret_cast<const char*>(frame.data), frame.data_length};
    if (!is_control(header_.opcode)) break;
    std::memcpy(control_.data() + control_size_, payload_.data(), payload_.size());
    control_size_ = static_cast<uint8_t>(control_size_ + payload_.size());
  }
  if (is_control(header_.opcode)) payload_ = {control_.data(), control_size_};
  if (payload_left_ == 0) phase_ = Phase::kHeader;
  return Step::kPayload;
}

// wslay asks once per turn and takes what there is; 0 means that there is nothing now.
ssize_t FrameDecoder::on_wslay_wants_bytes(uint8_t* buffer, std::size_t size, int /*flags*/,
                                           void* self) {
  std::string_view& feed = static_cast<FrameDecoder*>(self)->feed_;
  const std::size_t taken = std::min(size, feed.size());
  std::memcpy(buffer, feed.data(), taken);
  feed.remove_prefix(taken);
  return static_cast<ssize_t>(taken);
}

}  // namespace sockhook::websocket
