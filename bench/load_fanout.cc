// Each publish is numbered, and every receiver must get every number once and in order.

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "bench/http_text.h"
#include "bench/load.h"
#include "bench/socket.h"
#include "bench/websockets.h"

namespace bench {
namespace {

class FanOut final : public MessageHandler, public ConnectionHandler {
 public:
  explicit FanOut(const LoadOptions& options)
      : options_(options),
        sockets_(poller_, options.target, options.path, *this),
        publisher_(poller_, options.management, *this),
        next_of_receiver_(options.connections),
        measurement_(options.watched) {}

  void run() {
    sockets_.connections().open(options_.connections, options_.at_a_time, kOpenTimeLimitS);
    publisher_.open(1, 1, kOpenTimeLimitS);
    run_for(options_.seconds / 10);
    counting_ = true;
    measurement_.begin();
    run_for(options_.seconds);
    measurement_.end();
    counting_ = false;
    report();
  }

 private:
  // A publish is over when all receivers have it.
  struct Publish {
    int64_t began_ns = 0;
    std::size_t missing = 0;
  };

  void run_for(double seconds) {
    const int64_t end = now_ns() + static_cast<int64_t>(seconds * 1e9);
    const int64_t deadline = end + int64_t{kOpenTimeLimitS} * 1'000'000'000;
    while (now_ns() < end) {
      while (published_ - finished_ < options_.window) publish();
      publisher_.flush(publisher_[0]);
      poller_.turn(10);
    }
    while (finished_ < published_ || answered_ < published_) {
      if (now_ns() > deadline) die("messages are missing");
      poller_.turn(10);
    }
  }

  void publish() {
    std::string body = std::to_string(published_++) + " ";
    body.resize(std::max(body.size(), options_.size), 'x');
    Connections::queue(publisher_[0],
                       "POST " + options_.publish_path +
                           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body);
    in_flight_.push_back({now_ns(), options_.connections});
  }

  void on_message(Connection& connection, std::string_view payload) override {
    uint64_t number = 0;
    std::from_chars(payload.data(), payload.data() + payload.size(), number);
    uint64_t& expected = next_of_receiver_[connection.number];
    if (number != expected) {
      die("receiver " + std::to_string(connection.number) + " got message " +
          std::to_string(number) + " and not " + std::to_string(expected));
    }
    ++expected;
    Publish& publish = in_flight_[number - finished_];
    const int64_t latency_ns = now_ns() - publish.began_ns;
    if (counting_) latencies_.add(latency_ns), ++deliveries_;
    if (--publish.missing > 0) return;
    if (counting_) last_latencies_.add(latency_ns);
    in_flight_.pop_front();  // in order for each receiver, so in order for all
    ++finished_;
  }

  void on_connected(Connection& connection) override { publisher_.mark_ready(connection); }

  std::size_t on_data(Connection& /*publisher*/, std::string_view bytes) override {
    std::size_t used = 0;
    while (const auto answer = read_http_message(bytes.substr(used))) {
      if (!answer->start_line.starts_with("HTTP/1.1 200 ")) {
        die("the publish was answered " + std::string(answer->start_line));
      }
      used += answer->size;
      ++answered_;
    }
    return used;
  }

  void report() const {
    std::printf(
        "{\"mode\": \"fanout\", \"connections\": %zu, \"window\": %zu, \"size\": %zu, %s, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"last_p50_us\": %.1f}\n",
        options_.connections, options_.window, options_.size,
        measurement_.to_json(deliveries_).c_str(), latencies_.percentile_us(0.5),
        latencies_.percentile_us(0.99), last_latencies_.percentile_us(0.5));
  }

  const LoadOptions& options_;
  Poller poller_;
  WebSockets sockets_;
  Connections publisher_;
  std::vector<uint64_t> next_of_receiver_;
  std::deque<Publish> in_flight_;
  uint64_t published_ = 0;
  uint64_t answered_ = 0;
  uint64_t finished_ = 0;
  uint64_t deliveries_ = 0;
  bool counting_ = false;
  Measurement measurement_;
  Latencies latencies_;
  Latencies last_latencies_;
};

}  // namespace

void load_fanout(const LoadOptions& options) { FanOut(options).run(); }

}  // namespace bench
