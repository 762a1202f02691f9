// Corks: while one is alive, frames that are pushed to a session gather; when it dies they go out,
// one write for each socket.
//
// Owner: the Worker, for the time of one batch of messages. Thread: the worker's.

#pragma once

#include "proxy/client/hub.h"

namespace sockhook::client {

class Corks {
 public:
  // Does nothing unless `is_wanted`: a single push is written at once.
  Corks(Hub& hub, bool is_wanted) : hub_(hub) { hub_.set_corking(is_wanted); }
  ~Corks() { hub_.uncork_all(); }
  Corks(const Corks&) = delete;
  Corks& operator=(const Corks&) = delete;

 private:
  Hub& hub_;
};

}  // namespace sockhook::client
