// SocketStream: a Stream over a TCP or unix socket.
//
// An idle one costs its uv handle and a few words: there is no buffer of its own, and an
// output queue exists only while the socket is full or a connect is under way.

#pragma once

#include <uv.h>

#include <memory>

#include "proxy/net/connectable_stream.h"
#include "proxy/net/loop.h"

namespace sockhook::net {

// A connection that a listening socket offers: from libuv's own accept, or as a descriptor.
struct Incoming {
  bool is_unix;
  uv_stream_t* server;  // null: `fd` it is
  int fd;
};

class SocketStream final : public ConnectableStream {
 public:
  // A stream that is not connected yet, of the family (TCP or unix) of what it is to speak to.
  SocketStream(Loop& loop, bool is_unix, StreamListener* listener);
  ~SocketStream() override;

  // False: the connection is gone already; close the stream.
  bool accept(const Incoming& incoming);
  int connect(const SocketAddress& address, ConnectListener* listener) override;

  // The peer's address; none for an unnamed unix peer.
  SocketAddress peer() const;

  void set_listener(StreamListener* listener) override { listener_ = listener; }
  void start_reading() override;
  void stop_reading() override;
  void write(std::string_view head, std::string_view body) override;
  void write_shared(const SharedBytes& bytes) override;
  std::size_t queued_bytes() const override;
  bool is_writing() const override { return output_ != nullptr; }
  void cork() override { is_corked_ = true; }
  void uncork() override;
  void shutdown() override;
  void close() override;
  void reset() override;
  bool is_closing() const override { return uv_is_closing(&handle_.handle) != 0; }

 private:
  struct Output;

  uv_stream_t* stream() { return &handle_.stream; }
  Output& output();
  std::size_t write_now(const uv_buf_t* buffers, unsigned count);
  void enqueue(SharedBytes bytes, std::size_t offset);
  void write_next_batch();
  void flush();
  bool can_write() const;
  void send_fin();
  static void on_handle_closed(uv_handle_t* handle);
  void on_read(ssize_t size, const uv_buf_t* buffer);
  void on_written(int status);
  void on_connected(int status);
  int pending_error() const;
  void end(int error);

  Loop& loop_;
  StreamListener* listener_;
  std::unique_ptr<Output> output_;
  bool is_corked_ = false;
  bool is_reading_ = false;
  bool has_ended_ = false;
  bool is_shutdown_wanted_ = false;
  int write_error_ = 0;
  union Handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
};

}  // namespace sockhook::net
