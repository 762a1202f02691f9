// Stream: an asynchronous byte stream, the only thing that the layers above know of a socket.
//
// Owner: exactly one object, which is also its listener, until it hands the stream over.
// Thread: that of its loop; every call is made there and every event arrives there.
//
// Life: open -> closing -> closed. `close()` may be called at any time, any number of times, and
// returns at once; after it comes exactly one `on_closed()`, from the loop, never from inside
// `close()`. THE OWNER DESTROYS A STREAM ONLY IN `on_closed()`; the destructor checks it.
//
// Writing: what the socket takes at once is written at once and costs no allocation; the rest
// waits in a queue in order. Writers look at `queued_bytes()`: the stream itself sets no limit.
// A write that fails is reported by `on_write_failed` or `on_end`, later, from the loop.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sockhook::net {

// Bytes that several streams may be writing at once, e.g. one encoded frame of a fan-out.
using SharedBytes = std::shared_ptr<const std::string>;

class StreamListener {
 public:
  // `data` lies in the loop's read buffer: valid during the call, and writable there.
  virtual void on_read(std::string_view data) = 0;
  // Nothing more will be read: 0 for an orderly FIN, else a negative libuv error (a failed write
  // too). Called at most once. What is queued may still be written after a FIN.
  virtual void on_end(int error) = 0;
  // A write has failed: what is written from now on is dropped. While the stream is read, `on_end`
  // stands behind what the peer had sent before. While it is not, false brings `on_end` at once;
  // true leaves the rest in the socket until the owner reads again.
  virtual bool on_write_failed() { return false; }
  // The queue, not empty before, has been handed to the kernel.
  virtual void on_writable() {}
  // The handle is gone: the owner destroys the stream now (or any time later).
  virtual void on_closed() = 0;

 protected:
  ~StreamListener() = default;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Must be set while the stream is open; a hand-over to a new owner is a new listener.
  virtual void set_listener(StreamListener* listener) = 0;

  virtual void start_reading() = 0;
  virtual void stop_reading() = 0;

  // Writes `head` and then `body`, copying only what the socket does not take at once.
  virtual void write(std::string_view head, std::string_view body = {}) = 0;
  // The same for shared bytes, which are never copied.
  virtual void write_shared(const SharedBytes& bytes) = 0;
  // What waits behind the write that the kernel is busy with, in bytes; 0 for a healthy peer.
  virtual std::size_t queued_bytes() const = 0;
  // True until all that was written has been handed to the kernel.
  virtual bool is_writing() const = 0;
  // Between cork and uncork writes gather in the queue and then go out together. Not nested.
  virtual void cork() = 0;
  virtual void uncork() = 0;

  // Sends FIN behind what is queued. Nothing may be written after it.
  virtual void shutdown() = 0;
  // Closes; what is still queued is lost.
  virtual void close() = 0;
  // Closes with RST where the transport has one.
  virtual void reset() = 0;
  virtual bool is_closing() const = 0;

  // More than the error that on_end or on_connected brought says, for the log; empty where that
  // error says it all.
  virtual std::string_view failure() const { return {}; }
};

}  // namespace sockhook::net
