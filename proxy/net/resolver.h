// Resolver: names to addresses without blocking the loop (libuv's thread pool asks getaddrinfo).
//
// Owner: whoever asks; one question at a time. Thread: the loop's. Literal addresses and unix paths
// need no resolver. Destroying it while a question is open is fine: the answer is dropped.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/socket_address.h"

namespace sockhook::net {

class ResolveListener {
 public:
  // `addresses` is empty after an error (a negative libuv error).
  virtual void on_resolved(int error, std::vector<SocketAddress> addresses) = 0;

 protected:
  ~ResolveListener() = default;
};

class Resolver {
 public:
  Resolver(Loop& loop, ResolveListener* listener) : loop_(loop), listener_(listener) {}
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Nothing happens while a question is open. on_resolved comes from the loop.
  void resolve(const std::string& host, uint16_t port);
  bool is_busy() const { return question_ != nullptr; }

 private:
  struct Question;

  Loop& loop_;
  ResolveListener* listener_;
  Question* question_ = nullptr;  // owned by libuv while it is open
};

}  // namespace sockhook::net
