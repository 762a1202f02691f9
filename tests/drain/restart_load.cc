// restart_load BALANCER[,BALANCER] BACKEND CLIENTS PAUSE_MS PUSH_PAUSE_MS MANAGEMENT...: the
// clients, the backend and the publishers of a rolling restart (tests/drain/README.md).
//
// Prints "listening" when the backend does. After a line on stdin the clients come: prints "open"
// when all clients are, and after a line on stdin, when everything has come to its end, the ledger
// as one line of JSON.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/socket.h"
#include "tests/drain/backend.h"
#include "tests/drain/client.h"
#include "tests/drain/publisher.h"

namespace drain_load {
namespace {

constexpr int64_t kLongestRunMs = 1'800'000;
constexpr int64_t kLongestOpenMs = 120'000;
constexpr int64_t kLongestEndMs = 30'000;
constexpr std::size_t kOpenedAtOnce = 200;
constexpr std::size_t kPublishersPerNode = 2;

class Run {
 public:
  Run(const std::vector<sockaddr_in>& balancers, const sockaddr_in& backend, std::size_t clients,
      int64_t pause_ms)
      : backend_(loop_, ledger_, backend), context_{loop_, ledger_, balancers, pause_ms, {}} {
    for (std::size_t i = 0; i < clients; ++i) {
      clients_.push_back(std::make_unique<Client>(context_, static_cast<uint32_t>(i)));
    }
  }

  void open() {
    std::size_t begun = 0;
    turn_until(
        [&] {
          while (begun < clients_.size() && begun < context_.open + kOpenedAtOnce) {
            clients_[begun++]->connect();
          }
          return context_.open == clients_.size();
        },
        kLongestOpenMs);
    if (context_.open < clients_.size()) bench::die("the clients could not connect");
    // How it is to come all at once is another test's business.
    ledger_.refusals.clear();
    ledger_.longest_wait_ms = 0;
    ledger_.most_attempts = 0;
  }

  void publish(const std::vector<sockaddr_in>& nodes, int64_t pause_ms) {
    for (std::size_t i = 0; i < nodes.size() * kPublishersPerNode; ++i) {
      publishers_.push_back(std::make_unique<Publisher>(context_, clients_, nodes, pause_ms, i));
      publishers_.back()->start();
    }
  }

  void run_until_told() {
    turn_until(
        [] {
          pollfd input{STDIN_FILENO, POLLIN, 0};
          return ::poll(&input, 1, 0) != 0;
        },
        kLongestRunMs);
  }

  void end() {
    context_.is_silent = true;
    turn_until(
        [&] {
          const auto is_idle = [](const auto& one) { return one->is_idle(); };
          return context_.open == clients_.size() &&
                 std::all_of(clients_.begin(), clients_.end(), is_idle) &&
                 std::all_of(publishers_.begin(), publishers_.end(), is_idle);
        },
        kLongestEndMs);
    for (const auto& client : clients_) client->leave();
    turn_until([&] { return context_.open == 0 && ledger_.owed_disconnects() == 0; },
               kLongestEndMs);
    ledger_.judge();
    std::printf("%s\n", ledger_.to_json().c_str());
  }

 private:
  void turn_until(const std::function<bool()>& condition, int64_t limit_ms) {
    const int64_t end = now_ms() + limit_ms;
    while (!condition() && now_ms() < end) loop_.turn();
  }

  EventLoop loop_;
  Ledger ledger_;
  Backend backend_;
  ClientContext context_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
};

std::vector<sockaddr_in> parse_addresses(const std::string& list) {
  std::vector<sockaddr_in> addresses;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    addresses.push_back(bench::parse_address(item));
  }
  return addresses;
}

void run(int argc, char** argv) {
  Run load(parse_addresses(argv[1]), bench::parse_address(argv[2]),
           static_cast<std::size_t>(std::atoi(argv[3])), std::atoi(argv[4]));
  std::puts("listening");
  std::fflush(stdout);
  static_cast<void>(std::getchar());  // the nodes are there
  load.open();
  std::vector<sockaddr_in> nodes;
  for (int i = 6; i < argc; ++i) nodes.push_back(bench::parse_address(argv[i]));
  load.publish(nodes, std::atoi(argv[5]));
  std::puts("open");
  std::fflush(stdout);
  load.run_until_told();
  load.end();
}

}  // namespace
}  // namespace drain_load

int main(int argc, char** argv) {
  if (argc < 7) {
    bench::die(
        "usage: restart_load BALANCER[,BALANCER] BACKEND CLIENTS PAUSE_MS PUSH_PAUSE_MS "
        "MANAGEMENT...");
  }
  bench::raise_descriptor_limit();
  drain_load::run(argc, argv);
}
