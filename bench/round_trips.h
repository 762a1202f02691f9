// RoundTrips: the common part of the ws and http modes. Each connection keeps a window of requests
// in flight, which are answered in order; counted are those that end within the measured time.

#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/connections.h"
#include "bench/load.h"
#include "bench/measurement.h"
#include "bench/socket.h"

namespace bench {

class RoundTrips {
 public:
  RoundTrips(const LoadOptions& options, std::string request)
      : options_(options),
        request_(std::move(request)),
        began_(options.connections * options.window),
        next_(options.connections),
        measurement_(options.watched) {}

  // Fills every window, and runs until the time is over. Prints the figures.
  void run(Poller& poller, Connections& connections, const char* mode) {
    for (std::size_t i = 0; i < connections.size(); ++i) {
      for (std::size_t n = 0; n < options_.window; ++n) begin(connections[i]);
      connections.flush(connections[i]);
    }
    turn_for(poller, options_.seconds / 10);
    counting_ = true;
    measurement_.begin();
    turn_for(poller, options_.seconds);
    measurement_.end();
    std::printf(
        "{\"mode\": \"%s\", \"connections\": %zu, \"window\": %zu, \"size\": %zu, %s, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f}\n",
        mode, options_.connections, options_.window, options_.size,
        measurement_.to_json(count_).c_str(), latencies_.percentile_us(0.5),
        latencies_.percentile_us(0.99), latencies_.percentile_us(0.999));
  }

  // The oldest request in flight has been answered: the next one goes out.
  void on_answer(Connection& connection) {
    if (counting_) {
      ++count_;
      latencies_.add(now_ns() - began_[slot_of(connection)]);
    }
    begin(connection);
  }

 private:
  // A window is a ring: the slot of the oldest request is that of the next one.
  std::size_t slot_of(const Connection& connection) const {
    return connection.number * options_.window + next_[connection.number];
  }

  void begin(Connection& connection) {
    began_[slot_of(connection)] = now_ns();
    next_[connection.number] = (next_[connection.number] + 1) % options_.window;
    Connections::queue(connection, request_);
  }

  static void turn_for(Poller& poller, double seconds) {
    const int64_t end = now_ns() + static_cast<int64_t>(seconds * 1e9);
    while (now_ns() < end) poller.turn(10);
  }

  const LoadOptions& options_;
  std::string request_;
  std::vector<int64_t> began_;
  std::vector<std::size_t> next_;
  Measurement measurement_;
  Latencies latencies_;
  uint64_t count_ = 0;
  bool counting_ = false;
};

}  // namespace bench
