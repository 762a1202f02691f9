// Compression: what sessions need for permessage-deflate (RFC 7692).
//
// SharedCompression is a worker's: the inflater and the deflaters of all sessions that keep no
// window between messages, and the frame that was compressed last for each size of window, so that
// a fan-out compresses once. Forgotten when the event under way is over.
//
// SessionCompression is one session's: what was agreed on, and with takeover its own windows.
//
// Thread: the worker's. Owner: SessionContext, and Session.

#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "conf/endpoint.h"
#include "protocol/websocket/deflate_offer.h"
#include "protocol/websocket/deflater.h"
#include "protocol/websocket/frame_encoder.h"
#include "protocol/websocket/inflater.h"
#include "proxy/net/loop.h"

namespace sockhook::client {

class SharedCompression final : net::SoonListener {
 public:
  explicit SharedCompression(net::Loop& loop) : loop_(loop) {}

  websocket::Inflater& inflater() { return inflater_; }
  // The frame, compressed, or the frame itself where that is no smaller.
  websocket::SharedFrame compress(const websocket::SharedFrame& frame, int window_bits,
                                  unsigned level);

 private:
  struct Row {
    Row(int window_bits, unsigned level) : deflater(window_bits, static_cast<int>(level), false) {}
    websocket::Deflater deflater;
    websocket::SharedFrame last;  // keeps the frame alive, so that it is not taken for another
    websocket::SharedFrame compressed;
  };

  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  net::Soon forget_{this};
  websocket::Inflater inflater_{websocket::DeflateTerms::kMaxBits, false};
  std::map<std::pair<int, unsigned>, Row> rows_;  // at most 7 windows of 9 levels
};

class SessionCompression {
 public:
  SessionCompression(const websocket::DeflateTerms& terms, const conf::Compression& conf);

  // For the next message of the client.
  websocket::Inflater& inflater(SharedCompression& shared) {
    return inflater_ ? *inflater_ : shared.inflater();
  }
  // What is to be written instead of a data frame. With takeover it must be written.
  websocket::SharedFrame outgoing(const websocket::SharedFrame& frame, SharedCompression& shared);

 private:
  const int server_bits_;
  const unsigned level_;
  const std::size_t min_size_;
  std::unique_ptr<websocket::Inflater> inflater_;  // with client takeover
  std::unique_ptr<websocket::Deflater> deflater_;  // with server takeover
};

}  // namespace sockhook::client
