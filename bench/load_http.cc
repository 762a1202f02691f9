#include "bench/http_text.h"
#include "bench/load.h"
#include "bench/round_trips.h"

namespace bench {
namespace {

class HttpClient final : public ConnectionHandler {
 public:
  explicit HttpClient(const LoadOptions& options)
      : connections_(poller_, options.target, *this), round_trips_(options, request_of(options)) {}

  void run(const LoadOptions& options) {
    connections_.open(options.connections, options.at_a_time, kOpenTimeLimitS);
    round_trips_.run(poller_, connections_, "http");
  }

 private:
  static std::string request_of(const LoadOptions& options) {
    return "POST " + options.path +
           " HTTP/1.1\r\nHost: bench.example\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Length: " +
           std::to_string(options.size) + "\r\n\r\n" + std::string(options.size, 'x');
  }

  void on_connected(Connection& connection) override { connections_.mark_ready(connection); }

  std::size_t on_data(Connection& connection, std::string_view bytes) override {
    std::size_t used = 0;
    while (const auto answer = read_http_message(bytes.substr(used))) {
      if (!answer->start_line.starts_with("HTTP/1.1 200 ")) {
        die("answered " + std::string(answer->start_line));
      }
      used += answer->size;
      round_trips_.on_answer(connection);
    }
    return used;
  }

  Poller poller_;
  Connections connections_;
  RoundTrips round_trips_;
};

}  // namespace

void load_http(const LoadOptions& options) { HttpClient(options).run(options); }

}  // namespace bench
