// WebhookBackend: an HTTP backend on the test's own loop that keeps every request and treats each
// as the test says.

#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/http/http_message.h"
#include "tests/support/scripted_backend.h"

namespace sockhook::testing {

struct WebhookRequest {
  std::string line;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::size_t connection = 0;
  uint64_t at_ms = 0;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Reply {
  enum class Kind { kBytes, kHang, kReset, kFin };
  Kind kind = Kind::kBytes;
  std::string bytes;  // kFin: what comes before it
};

inline Reply status(int code, std::string_view body = {}, std::string_view headers = {}) {
  return {Reply::Kind::kBytes, "HTTP/1.1 " + std::to_string(code) +
                                   " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                                   std::string(headers) + "\r\n" + std::string(body)};
}
inline Reply hang() { return {Reply::Kind::kHang, {}}; }
inline Reply reset() { return {Reply::Kind::kReset, {}}; }
inline Reply fin(std::string bytes = {}) { return {Reply::Kind::kFin, std::move(bytes)}; }

class WebhookBackend {
 public:
  using Script = std::function<Reply(const WebhookRequest&)>;

  explicit WebhookBackend(net::Loop& loop,
                          const net::SocketAddress& address = net::SocketAddress::ip("127.0.0.1",
                                                                                     0))
      : loop_(loop), server_(loop, address) {
    server_.on_received = [this](ScriptedConnection& connection) { read(connection); };
  }

  uint16_t port() const { return server_.port(); }
  const net::SocketAddress& address() const { return server_.address(); }
  void stop_listening() { server_.stop_listening(); }
  void close() { server_.close(); }
  // Answers the oldest request that hangs.
  void release(const Reply& reply = status(204)) {
    ScriptedConnection* connection = hanging.front();
    hanging.erase(hanging.begin());
    send(*connection, reply);
  }

  Script script = [](const WebhookRequest&) { return status(204); };
  std::vector<WebhookRequest> requests;
  std::vector<ScriptedConnection*> hanging;

 private:
  void read(ScriptedConnection& connection) {
    WebhookRequest request;
    while (take_request(connection, &request)) {
      requests.push_back(request);
      const Reply reply = script(request);
      if (reply.kind == Reply::Kind::kHang) {
        hanging.push_back(&connection);
      } else {
        send(connection, reply);
      }
    }
  }
  bool take_request(ScriptedConnection& connection, WebhookRequest* request) {
    std::string& bytes = connection.received;
    const std::size_t head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos) return false;
    *request = {};
    std::size_t line_end = bytes.find("\r\n");
    request->line = bytes.substr(0, line_end);
    while (line_end < head_end) {
      const std::size_t begin = line_end + 2;
      line_end = bytes.find("\r\n", begin);
      const std::size_t colon = bytes.find(": ", begin);
      request->headers[http::to_lower(bytes.substr(begin, colon - begin))] =
          bytes.substr(colon + 2, line_end - colon - 2);
    }
    const std::size_t size = std::strtoul(request->header("content-length").c_str(), nullptr, 10);
    if (bytes.size() < head_end + 4 + size) return false;
    request->body = bytes.substr(head_end + 4, size);
    bytes.erase(0, head_end + 4 + size);
    request->at_ms = loop_.now_ms();
    while (server_.connections[request->connection].get() != &connection) ++request->connection;
    return true;
  }
  static void send(ScriptedConnection& connection, const Reply& reply) {
    switch (reply.kind) {
      case Reply::Kind::kBytes:
        return connection.send(reply.bytes);
      case Reply::Kind::kFin:
        connection.send(reply.bytes);
        return connection.send_fin();
      case Reply::Kind::kReset:
        return connection.reset();
      case Reply::Kind::kHang:
        return;
    }
  }

  net::Loop& loop_;
  ScriptedBackend server_;
};

}  // namespace sockhook::testing
