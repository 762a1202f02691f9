#include "protocol/websocket/message_reader.h"

#include <utility>

#include "protocol/websocket/close_code.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::websocket {

MessageReader::~MessageReader() {
  if (decoder_) pool_.throw_away(std::move(decoder_));
}

Incoming MessageReader::next(std::string_view* input, const ReaderLimits& limits) {
  pool_.reclaim();
  if (ended_) *input = {};
  if (input->empty()) return {};
  if (!decoder_) decoder_ = pool_.borrow();
  for (int frames = 0;;) {
    switch (decoder_->read(input)) {
      case FrameDecoder::Step::kNeedMore:
        return pause({});
      case FrameDecoder::Step::kMalformed:
        return violate({close_code::kProtocolError, "malformed frame"});
      case FrameDecoder::Step::kHeader:
        if (const Violation violation = check_header(decoder_->header(), limits)) {
          return violate(violation);
        }
        break;
      case FrameDecoder::Step::kPayload:
        if (is_control(decoder_->header().opcode)) return on_control_frame();
        assembler().append(decoder_->payload());
        if (!decoder_->is_between_frames()) break;
        if (decoder_->header().fin) return on_message_end(limits);
        // Now, so that what is wrong first is reported, however the bytes were cut.
        if (const Violation violation = assembler().check_so_far()) return violate(violation);
        if (++frames == kFramesAtOnce) return pause({});
        break;
    }
  }
}

// What wslay leaves to us, before a byte of the payload is looked at.
Violation MessageReader::check_header(const FrameHeader& header, const ReaderLimits& limits) {
  if (!header.masked) return {close_code::kProtocolError, "frame without mask"};
  // RSV1 is for the first frame of a compressed message (RFC 7692 section 6.1).
  const bool may_be_compressed = limits.inflater != nullptr && !is_control(header.opcode) &&
                                 header.opcode != Opcode::kContinuation;
  if (header.rsv != 0 && !(header.rsv == kRsv1 && may_be_compressed)) {
    return {close_code::kProtocolError, "reserved bit set"};
  }
  if (!is_known(header.opcode)) return {close_code::kProtocolError, "reserved opcode"};
  return is_control(header.opcode) ? Violation{} : assembler().begin_frame(header, limits);
}

Incoming MessageReader::on_control_frame() {
  const std::string_view payload = decoder_->payload();
  const Opcode opcode = decoder_->header().opcode;
  if (opcode == Opcode::kClose) return on_close(payload);
  Incoming event;
  event.kind = opcode == Opcode::kPing ? Incoming::Kind::kPing : Incoming::Kind::kPong;
  event.payload = payload;
  return pause(event);
}

// RFC 6455 section 5.5.1.
Incoming MessageReader::on_close(std::string_view body) {
  Incoming event;
  event.kind = Incoming::Kind::kClose;
  event.close_code = close_code::kNoStatus;
  if (body.empty()) return end(event);
  if (body.size() == 1) return violate({close_code::kProtocolError, "half a close code"});
  event.close_code =
      static_cast<uint16_t>(static_cast<uint8_t>(body[0]) << 8 | static_cast<uint8_t>(body[1]));
  event.reason = body.substr(2);
  if (!is_valid_close_code(event.close_code)) {
    return violate({close_code::kProtocolError, "invalid close code"});
  }
  if (!is_valid_utf8(event.reason)) {
    return violate({close_code::kInvalidPayload, "invalid UTF-8 in the close reason"});
  }
  return end(event);
}

Incoming MessageReader::on_message_end(const ReaderLimits& limits) {
  MessageAssembler& message = assembler();
  if (const Violation violation = message.finish(limits)) return violate(violation);
  Incoming event;
  event.kind = Incoming::Kind::kMessage;
  event.binary = message.is_binary();
  event.payload = message.payload();
  if (partial_) pool_.keep(std::move(partial_));
  release_decoder();
  return event;
}

Incoming MessageReader::pause(const Incoming& event) {
  if (assembler().is_in_message()) {
    if (const Violation violation = assembler().check_so_far()) return violate(violation);
    if (!partial_) {
      partial_ = std::make_unique<MessageAssembler>(pool_.scratch().split_off());
    }
  }
  if (decoder_->is_between_frames()) release_decoder();
  return event;
}

Incoming MessageReader::end(const Incoming& event) {
  ended_ = true;
  partial_.reset();
  release_decoder();
  return event;
}

Incoming MessageReader::violate(const Violation& violation) {
  ended_ = true;
  partial_.reset();
  pool_.throw_away(std::move(decoder_));  // it may be anywhere
  Incoming event;
  event.kind = Incoming::Kind::kViolation;
  event.close_code = violation.code;
  event.reason = violation.reason;
  return event;
}

void MessageReader::release_decoder() { pool_.give_back(std::move(decoder_)); }

}  // namespace sockhook::websocket
