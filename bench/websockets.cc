#include "bench/websockets.h"

#include "bench/frames.h"
#include "bench/socket.h"

namespace bench {

void WebSockets::on_connected(Connection& connection) {
  Connections::queue(connection, "GET " + path_ +
                                     " HTTP/1.1\r\nHost: bench.example\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                     "User-Agent: wsload\r\nOrigin: https://bench.example\r\n\r\n");
}

std::size_t WebSockets::on_data(Connection& connection, std::string_view bytes) {
  std::size_t used = connection.ready ? 0 : on_handshake_answer(connection, bytes);
  while (connection.ready) {
    const ServerFrame frame = read_frame(bytes.substr(used));
    if (frame.size == 0) break;
    used += frame.size;
    on_frame(connection, frame.opcode, frame.payload);
  }
  return used;
}

std::size_t WebSockets::on_handshake_answer(Connection& connection, std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (!bytes.starts_with("HTTP/1.1 101 ")) {
    die("the handshake was answered " + std::string(bytes.substr(0, bytes.find("\r\n"))));
  }
  connections_.mark_ready(connection);
  return end + 4;
}

void WebSockets::on_frame(Connection& connection, uint8_t opcode, std::string_view payload) {
  switch (opcode) {
    case kText:
    case kBinary:
      return handler_.on_message(connection, payload);
    case kPing:
      return Connections::queue(connection, client_frame(kPong, payload));
    case kPong:
      return;
    case kClose:
      die("a connection was closed with a close frame");
    default:
      die("an unexpected frame came");
  }
}

}  // namespace bench
