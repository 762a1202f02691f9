// TlsStream: TLS over another Stream, as its client or its server, with OpenSSL.
//
//   kConnecting  the transport connects (clients)
//   kHandshake   both sides greet; the transport is read whether or not the owner reads. How long
//                it may take is the owner's business: it closes when it has waited enough
//   kOpen        what the owner writes is encrypted, what comes is decrypted
//   kFailed      the peer, or TLS, broke it off: what is written is dropped
//
// It keeps the contract of net::Stream; what TLS adds to it:
//
// - A handshake that fails: on_connected(UV_EPROTO) for a client that connects, on_end(UV_EPROTO)
//   else; failure() then says why: an expired certificate, a wrong name, an unknown authority, a
//   peer that refuses ours or speaks no TLS.
// - With TLS 1.3 a server refuses a client's certificate only after the client's handshake is
//   complete: that is on_end(UV_EPROTO) behind on_connected(0).
// - The peer's close_notify is on_end(0). A FIN without it may have been forged: on_end(
//   UV_ECONNRESET) for clients, whose answers may last until the end; on_end(0) for servers, since
//   requests and WebSocket frames say their length, and clients often just leave.
// - shutdown() sends close_notify and FIN behind what is queued, close() sends close_notify where
//   nothing is queued.
// - What has to wait waits as it was written, not encrypted: a shared frame is shared by slow
//   clients too. queued_bytes() counts it like a socket does, the handshake's time included.
//
// Buffers: encrypted and decrypted bytes pass through buffers of the loop (TlsBuffers), and an idle
// stream has none: OpenSSL gives its own back. Measured with OpenSSL 3.0 (tls_memory_test.cc): it
// costs 14.5 KB of heap with TLS 1.3 and 13.4 KB with TLS 1.2, the stream itself included. One
// on_read brings what one read of the transport held. While the owner does not read, the transport
// is not read; what the read that completed the handshake had behind it is held, up to that read's
// size. A part of a record is held by OpenSSL, up to one record of 16 KiB.
//
// Owner, thread and life: those of Stream. The transport belongs to it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proxy/net/connectable_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/soon.h"
#include "proxy/net/tls_bio.h"
#include "proxy/net/tls_context.h"

struct ssl_st;  // OpenSSL's SSL

namespace sockhook::net {

class WriteQueue;

class TlsStream final : public ConnectableStream,
                        private StreamListener,
                        private ConnectListener,
                        private SoonListener {
 public:
  // What OpenSSL may add to the transport's queue by itself (answers to key updates) while the peer
  // does not read; beyond it the stream fails.
  static constexpr std::size_t kMaxUnaskedBytes = 256 * 1024;

  // Of the certificate that a peer shows; the handshake fails beyond it.
  static constexpr std::size_t kMaxSubjectBytes = 4096;

  // To a server that `host` names, an address without brackets or a name; its certificate must be
  // for it. Then connect(), or start() where the transport is connected.
  static std::unique_ptr<TlsStream> client(Loop& loop, TlsContextPtr context, std::string host,
                                           std::unique_ptr<ConnectableStream> transport,
                                           StreamListener* listener);
  // On a connection that was accepted; then start().
  static std::unique_ptr<TlsStream> server(Loop& loop, TlsContextPtr context,
                                           std::unique_ptr<Stream> transport,
                                           StreamListener* listener);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Connects the transport, then shakes hands; on_connected(0) when both have worked.
  int connect(const SocketAddress& address, ConnectListener* listener) override;
  // Shakes hands over a connected transport. `received`: what has been read of it already.
  void start(std::string_view received = {});

  // The handshake is complete.
  bool is_open() const { return state_ == State::kOpen; }
  // Of the certificate that the peer has shown, once is_open(): "CN=app,O=Example" (RFC 2253, ASCII
  // with everything else escaped). Empty without a certificate.
  std::string peer_subject() const;
  // "TLSv1.3".
  std::string_view version() const;
  bool is_resumed() const;

  void set_listener(StreamListener* listener) override { listener_ = listener; }
  void start_reading() override;
  void stop_reading() override;
  void write(std::string_view head, std::string_view body) override;
  void write_shared(const SharedBytes& bytes) override;
  std::size_t queued_bytes() const override;
  bool is_writing() const override;
  void cork() override { is_corked_ = true; }
  void uncork() override;
  void shutdown() override;
  void close() override;
  void reset() override;
  bool is_closing() const override { return transport_->is_closing(); }
  std::string_view failure() const override { return failure_; }

 private:
  enum class State : std::uint8_t { kConnecting, kHandshake, kOpen, kFailed };

  TlsStream(Loop& loop, TlsContextPtr context, std::string host, std::unique_ptr<Stream> transport,
            ConnectableStream* connectable, StreamListener* listener);

  // StreamListener and ConnectListener, of the transport
  void on_read(std::string_view data) override;
  void on_end(int error) override;
  bool on_write_failed() override;
  void on_writable() override;
  void on_closed() override { listener_->on_closed(); }
  void on_connected(int error) override;
  // SoonListener
  void on_soon(Soon& soon) override;

  bool is_client() const { return connectable_ != nullptr; }
  void shake_hands();
  void finish_handshake();
  void decrypt();
  std::optional<int> understand(int ssl_error);
  void hand_over(std::string_view data);
  void deliver_held();
  void fail(int error, std::string failure);
  void fail_to_write();
  void end(int error);
  void report_end(int error);
  void stop_for_good();
  bool can_write() const;
  std::size_t write_now(std::span<const std::string_view> parts);
  std::size_t encrypt(std::span<const std::string_view> parts);
  void enqueue(SharedBytes bytes, std::size_t offset);
  void write_queue();
  void flush_records();
  void send_end();

  Loop& loop_;
  const TlsContextPtr context_;
  const std::string host_;  // clients: who is expected
  const std::unique_ptr<Stream> transport_;
  ConnectableStream* const connectable_;  // clients: the transport
  StreamListener* listener_;
  ConnectListener* connect_listener_ = nullptr;
  ssl_st* const ssl_;
  TlsWire wire_;
  // kOpen, kFailed: decrypted bytes that the owner does not read yet. kHandshake: start()'s.
  std::string held_;
  std::optional<int> held_end_;        // on_end's error, behind them
  std::unique_ptr<WriteQueue> queue_;  // what waits, not encrypted yet
  std::string failure_;
  Soon soon_{this};
  State state_ = State::kConnecting;
  bool is_reading_ = false;
  bool is_corked_ = false;
  bool is_shutdown_wanted_ = false;
  bool has_write_failed_ = false;         // the transport's
  bool must_tell_write_failure_ = false;  // our own
  bool has_ended_ = false;
};

}  // namespace sockhook::net
