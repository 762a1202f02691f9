#include "protocol/websocket/message_assembler.h"

#include <utility>

#include "protocol/websocket/close_code.h"

namespace sockhook::websocket {
namespace {

constexpr Violation kInvalidText{close_code::kInvalidPayload, "invalid UTF-8"};

}  // namespace

Violation MessageAssembler::begin_frame(const FrameHeader& header, const ReaderLimits& limits) {
  const bool continues = header.opcode == Opcode::kContinuation;
  if (continues && !is_in_message()) {
    return {close_code::kProtocolError, "continuation of no message"};
  }
  if (!continues && is_in_message()) {
    return {close_code::kProtocolError, "message inside a message"};
  }
  if (header.opcode == Opcode::kBinary && !limits.binary) {
    return {close_code::kUnsupportedData, "binary messages are not accepted"};
  }
  if (limits.frame_size != 0 && header.payload_size > limits.frame_size) {
    return {close_code::kMessageTooBig, "frame too large"};
  }
  if (payload_.size() > limits.message_size ||
      header.payload_size > limits.message_size - payload_.size()) {
    return {close_code::kMessageTooBig, "message too large"};
  }
  // An empty last frame adds nothing but the end; Autobahn's case 9.3.1 has one behind 65,536
  // fragments.
  const bool only_ends = header.fin && header.payload_size == 0;
  if (fragments_ >= limits.fragments && !only_ends) {
    return {close_code::kPolicyViolation, "too many fragments"};
  }
  if (!continues) {
    binary_ = header.opcode == Opcode::kBinary;
    is_compressed_ = header.rsv != 0;
  }
  ++fragments_;
  return {};
}

Violation MessageAssembler::check_so_far() {
  if (binary_ || is_compressed_) return {};
  const std::string_view fresh = std::string_view(payload_).substr(validated_);
  validated_ = payload_.size();
  return utf8_.consume(fresh) ? Violation{} : kInvalidText;
}

Violation MessageAssembler::inflate(const ReaderLimits& limits) {
  is_compressed_ = false;
  std::string inflated;
  switch (limits.inflater->inflate(payload_, limits.message_size, &inflated)) {
    case Inflater::Result::kDone:
      break;
    case Inflater::Result::kTooLarge:
      return {close_code::kMessageTooBig, "message too large"};
    case Inflater::Result::kBroken:
      return {close_code::kInvalidPayload, "invalid compressed data"};
  }
  payload_ = std::move(inflated);
  return {};
}

Violation MessageAssembler::finish(const ReaderLimits& limits) {
  if (is_compressed_) {
    if (const Violation violation = inflate(limits)) return violation;
  }
  if (!binary_ && validated_ == 0) {
    if (!is_valid_utf8(payload_)) return kInvalidText;
  } else if (const Violation violation = check_so_far()) {
    return violation;
  } else if (!utf8_.is_complete()) {
    return kInvalidText;
  }
  size_ = payload_.size();
  payload_.append(kPayloadSlackBytes, '\0');
  fragments_ = 0;
  return {};
}

void MessageAssembler::reset(std::size_t max_retained_bytes) {
  payload_.clear();
  if (payload_.capacity() > max_retained_bytes) payload_.shrink_to_fit();
  size_ = 0;
  validated_ = 0;
  fragments_ = 0;
  is_compressed_ = false;
  utf8_ = {};
}

MessageAssembler MessageAssembler::split_off() {
  MessageAssembler copy = *this;  // a copied string has the size that it needs
  reset(payload_.capacity());
  return copy;
}

}  // namespace sockhook::websocket
