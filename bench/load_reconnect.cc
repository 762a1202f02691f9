#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "bench/load.h"
#include "bench/socket.h"
#include "bench/websockets.h"

namespace bench {
namespace {

class Silence final : public MessageHandler {
  void on_message(Connection& /*connection*/, std::string_view /*payload*/) override {}
};

void reset(Connections& connections) {
  for (std::size_t i = 0; i < connections.size(); ++i) {
    const linger at_once{1, 0};
    setsockopt(connections[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connections[i].fd);
  }
}

double seconds_to_open(WebSockets& sockets, const LoadOptions& options) {
  const int64_t began_ns = now_ns();
  sockets.connections().open(options.connections, options.at_a_time, kOpenTimeLimitS);
  return static_cast<double>(now_ns() - began_ns) / 1e9;
}

}  // namespace

void load_reconnect(const LoadOptions& options) {
  Poller poller;
  Silence silence;
  WebSockets first(poller, options.target, options.path, silence);
  const double opening_s = seconds_to_open(first, options);
  reset(first.connections());
  WebSockets again(poller, options.target, options.path, silence);
  const double reconnecting_s = seconds_to_open(again, options);
  std::printf(
      "{\"mode\": \"reconnect\", \"connections\": %zu, \"opening_s\": %.3f, "
      "\"reconnecting_s\": %.3f}\n",
      options.connections, opening_s, reconnecting_s);
}

}  // namespace bench
