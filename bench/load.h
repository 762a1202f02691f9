// The modes of wsload. Each prints one JSON object on stdout; any loss ends the program instead.

#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "bench/measurement.h"

namespace bench {

struct LoadOptions {
  sockaddr_in target{};      // of the WebSockets, or of the HTTP server
  sockaddr_in management{};  // fanout, push: where to publish
  sockaddr_in redis{};       // push: what lies between the nodes
  std::string path = "/";
  std::string publish_path = "/v1/messages";  // fanout
  std::size_t connections = 50;
  std::size_t at_a_time = 128;  // handshakes in progress
  std::size_t window = 1;       // ws: messages in flight of a connection; fanout, push: publishes
  std::size_t size = 100;       // bytes of a message
  double seconds = 5;           // measured, after a tenth of it to warm up
  std::vector<pid_t> watched;   // processes whose CPU time is measured too
};

constexpr int kOpenTimeLimitS = 120;

void load_ws(const LoadOptions& options);      // echo: every message is answered by one
void load_http(const LoadOptions& options);    // POSTs to a plain HTTP server
void load_idle(const LoadOptions& options);    // opens connections and holds them until stdin ends
void load_fanout(const LoadOptions& options);  // publishes that reach every connection
// Opens connections, resets all of them at once and opens as many again.
void load_reconnect(const LoadOptions& options);
// Pushes to one connection by way of another node, in turns with bare messages through Redis.
void load_push(const LoadOptions& options);

}  // namespace bench
