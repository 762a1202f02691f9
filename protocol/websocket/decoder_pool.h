// DecoderPool: what the MessageReaders of one thread share, so that an idle one costs nothing.
//
// Owner: a worker; must outlive its readers. Thread: the worker's.

#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "protocol/websocket/frame_decoder.h"
#include "protocol/websocket/message_assembler.h"

namespace sockhook::websocket {

class DecoderPool {
 public:
  static constexpr std::size_t kMaxFreeDecoders = 64;
  static constexpr std::size_t kMaxRetainedBytes = std::size_t{256} * 1024;

  DecoderPool() = default;
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

  // Decoders held by readers at this moment: the connections that are in the middle of a frame.
  std::size_t borrowed() const { return borrowed_; }

 private:
  friend class MessageReader;

  std::unique_ptr<FrameDecoder> borrow();
  // The decoder given back last stays alive until the next call: its payload may still be read.
  void give_back(std::unique_ptr<FrameDecoder> decoder);
  void throw_away(std::unique_ptr<FrameDecoder> decoder);

  // Assembles the messages that arrive in one read.
  MessageAssembler& scratch() { return scratch_; }
  // Keeps a finished message alive until reclaim(), after its reader has let go of it.
  void keep(std::unique_ptr<MessageAssembler> finished) { finished_ = std::move(finished); }
  // Whatever payload was handed out is no longer needed.
  void reclaim();

  std::vector<std::unique_ptr<FrameDecoder>> free_;
  MessageAssembler scratch_;
  std::unique_ptr<MessageAssembler> finished_;
  std::size_t borrowed_ = 0;
};

}  // namespace sockhook::websocket
