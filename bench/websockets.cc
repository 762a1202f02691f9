#include "bench/websockets.h"

#include <array>

#include "bench/socket.h"

namespace bench {
namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kText = 0x1;
constexpr uint8_t kBinary = 0x2;
constexpr uint8_t kClose = 0x8;
constexpr uint8_t kPing = 0x9;
constexpr uint8_t kPong = 0xA;

struct ServerFrame {
  uint8_t opcode = 0;
  std::string_view payload;
  std::size_t size = 0;  // 0: not all there
};

ServerFrame read_frame(std::string_view bytes) {
  const auto byte = [bytes](std::size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() < 2) return {};
  std::size_t length = byte(1) & 0x7F;
  const std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < 2 + length_bytes) return {};
  if (length_bytes > 0) length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(2 + i);
  const std::size_t head = 2 + length_bytes;
  if (bytes.size() - head < length) return {};
  return {static_cast<uint8_t>(byte(0) & 0xF), bytes.substr(head, length), head + length};
}

}  // namespace

std::string client_frame(uint8_t opcode, std::string_view payload) {
  constexpr std::array<char, 4> kMask = {'\x37', '\x7A', '\x21', '\x3D'};
  std::string frame;
  frame.push_back(static_cast<char>(kFin | opcode));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    const int length_bytes = payload.size() <= 0xFFFF ? 2 : 8;
    frame.push_back(static_cast<char>(0x80 | (length_bytes == 2 ? 126 : 127)));
    for (int i = length_bytes - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(payload.size() >> (8 * i)));
    }
  }
  frame.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ kMask[i % kMask.size()]));
  }
  return frame;
}

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
