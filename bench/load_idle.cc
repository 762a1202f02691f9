#include <poll.h>
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

bool stdin_has_ended() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

}  // namespace

void load_idle(const LoadOptions& options) {
  Poller poller;
  Silence silence;
  WebSockets sockets(poller, options.target, options.path, silence);
  Measurement measurement(options.watched);
  measurement.begin();
  sockets.connections().open(options.connections, options.at_a_time, kOpenTimeLimitS);
  measurement.end();
  std::printf("{\"mode\": \"idle\", \"connections\": %zu, %s}\n", options.connections,
              measurement.to_json(options.connections).c_str());
  std::fflush(stdout);
  while (!stdin_has_ended()) poller.turn(50);  // pings are answered meanwhile
}

}  // namespace bench
