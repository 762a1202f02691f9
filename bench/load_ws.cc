#include "bench/frames.h"
#include "bench/load.h"
#include "bench/round_trips.h"
#include "bench/websockets.h"

namespace bench {
namespace {

class EchoClient final : public MessageHandler {
 public:
  explicit EchoClient(const LoadOptions& options)
      : message_(options.size, 'x'), round_trips_(options, client_frame(kText, message_)) {}

  RoundTrips& round_trips() { return round_trips_; }

 private:
  void on_message(Connection& connection, std::string_view payload) override {
    if (payload != message_) die("not the echo: " + std::string(payload.substr(0, 200)));
    round_trips_.on_answer(connection);
  }

  std::string message_;
  RoundTrips round_trips_;
};

}  // namespace

void load_ws(const LoadOptions& options) {
  Poller poller;
  EchoClient client(options);
  WebSockets sockets(poller, options.target, options.path, client);
  sockets.connections().open(options.connections, options.at_a_time, kOpenTimeLimitS);
  client.round_trips().run(poller, sockets.connections(), "ws");
}

}  // namespace bench
