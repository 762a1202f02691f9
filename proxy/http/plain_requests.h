// PlainRequests: how a request that is no handshake finds its way from a public connection to the
// passthrough without the two sides knowing each other. The worker introduces them.
//
// Thread: the worker's.

#pragma once

#include <string_view>

#include "protocol/http/forwarded.h"
#include "protocol/http/http_message.h"
#include "proxy/http/server_connection.h"

namespace sockhook::http {

// One plain request being proxied; its connection's owner passes its events on. It lives until
// on_request_aborted, or until its answer has ended.
class PlainExchange {
 public:
  virtual void on_request_body(std::string_view data) = 0;
  virtual void on_request_end(Headers& trailers) = 0;
  // The client has gone, or is being closed.
  virtual void on_request_aborted() = 0;
  virtual void on_response_writable() = 0;

 protected:
  ~PlainExchange() = default;
};

class PlainRequests {
 public:
  // Takes a request over, or answers it at once. `place` is where the caller keeps the exchange:
  // set when one begins, and null again as soon as it has ended. `head` may be moved from.
  virtual void start(ServerConnection& connection, RequestHead& head, const Forwarded& client,
                     PlainExchange*& place) = 0;

 protected:
  ~PlainRequests() = default;
};

}  // namespace sockhook::http
