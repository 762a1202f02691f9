// HandshakeResponder: the HTTP side of a handshake that waits for the verdict of $connect.
//
// Implemented by the connection that read the request. It keeps no pointer to the session but its
// id, and tells the session when the client goes away first.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "proxy/net/stream.h"

namespace sockhook::client {

class HandshakeResponder {
 public:
  struct Upgraded {
    std::unique_ptr<net::Stream> stream;
    std::string unread;      // what the client sent behind its handshake
    std::string accept_key;  // for Sec-WebSocket-Accept
  };

  // Exactly one of the two, once. Gives the socket up for a WebSocket; the session writes the 101.
  virtual Upgraded upgrade() = 0;
  virtual void refuse(int status, const http::Headers& headers, std::string_view body) = 0;

 protected:
  ~HandshakeResponder() = default;
};

}  // namespace sockhook::client
