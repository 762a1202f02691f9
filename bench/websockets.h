// WebSockets: the client side of RFC 6455 on top of Connections, for a server that behaves.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/connections.h"

namespace bench {

class MessageHandler {
 public:
  virtual void on_message(Connection& connection, std::string_view payload) = 0;

 protected:
  ~MessageHandler() = default;
};

class WebSockets final : private ConnectionHandler {
 public:
  WebSockets(Poller& poller, const sockaddr_in& target, std::string path, MessageHandler& handler)
      : connections_(poller, target, *this), path_(std::move(path)), handler_(handler) {}

  Connections& connections() { return connections_; }

 private:
  void on_connected(Connection& connection) override;
  std::size_t on_data(Connection& connection, std::string_view bytes) override;
  std::size_t on_handshake_answer(Connection& connection, std::string_view bytes);
  void on_frame(Connection& connection, uint8_t opcode, std::string_view payload);

  Connections connections_;
  std::string path_;
  MessageHandler& handler_;
};

}  // namespace bench
