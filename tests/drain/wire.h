// Wire: one non-blocking socket with what has not been read and written yet.
//
// Events never come from inside send() or open(). Owner: whoever derives from it; destroying it
// closes the socket.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/drain/event_loop.h"

namespace drain_load {

class Wire : private Watched {
 public:
  explicit Wire(EventLoop& loop) : loop_(loop) {}
  virtual ~Wire() { close(); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void adopt(int fd, bool is_connecting);
  bool is_open() const { return fd_ >= 0; }
  void send(std::string_view bytes);
  // FIN behind what is queued; the rest is still read.
  void end();
  void close();

 protected:
  virtual void on_connected() {}
  // Returns how many bytes are used up. May close the wire, but not destroy it.
  virtual std::size_t on_data(std::string_view bytes) = 0;
  // The peer has ended it, or connecting failed; it is closed already. May destroy the wire.
  virtual void on_end() = 0;
  // Bytes that are there, but not used up.
  std::size_t unread() const { return in_.size(); }

  EventLoop& loop_;

 private:
  void on_ready(uint32_t events) override;
  bool read();
  bool flush();

  int fd_ = -1;
  bool is_connecting_ = false;
  bool is_waiting_ = false;
  bool is_ending_ = false;
  std::string in_;
  std::string out_;
};

}  // namespace drain_load
