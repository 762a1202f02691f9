#include "tests/drain/backend.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <charconv>

#include "bench/socket.h"

namespace drain_load {
namespace {

constexpr int kSlowestMs = 40;

}  // namespace

// One connection of a node.
class Backend::Caller final : public Wire {
 public:
  Caller(EventLoop& loop, Backend& backend, uint64_t its_number, int fd)
      : Wire(loop), number(its_number), backend_(backend) {
    adopt(fd, false);
  }

  const uint64_t number;
  bool is_busy = false;  // with a request that has come and is not answered

 private:
  std::size_t on_data(std::string_view bytes) override {
    if (is_busy) return 0;
    const auto request = bench::read_http_message(bytes);
    if (!request) return 0;
    is_busy = true;
    backend_.on_request(*this, *request);
    return request->size;
  }
  void on_end() override {
    if (is_busy || unread() > 0) backend_.ledger_.fail("a webhook was cut");
    backend_.forget(number);
  }

  Backend& backend_;
};

Backend::Backend(EventLoop& loop, Ledger& ledger, const sockaddr_in& address)
    : loop_(loop), ledger_(ledger), listener_(bench::listen_on(address)) {
  loop_.watch(listener_, EPOLLIN, EPOLL_CTL_ADD, this);
}

Backend::~Backend() = default;

void Backend::on_ready(uint32_t) {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const uint64_t number = ++last_caller_;
  callers_.emplace(number, std::make_unique<Caller>(loop_, *this, number, fd));
}

void Backend::on_request(Caller& caller, const bench::HttpMessage& request) {
  const std::string id(bench::find_header(request.headers, "ce-connectionid"));
  const std::string_view type = bench::find_header(request.headers, "ce-type");
  Connection& connection = ledger_.connections[id];
  std::string body;
  int64_t takes_ms = 0;
  if (type == "io.sockhook.connect") {
    ++connection.connects;
    body = id;
  } else if (type == "io.sockhook.disconnect") {
    ++connection.disconnects;
  } else {
    if (connection.disconnects > 0) ledger_.fail("a message came after the $disconnect");
    on_message(id, request.body);
    body = "a " + std::string(request.body);
    takes_ms = std::uniform_int_distribution<int>(0, kSlowestMs)(random_);
  }
  const uint64_t number = caller.number;
  loop_.after(takes_ms, [this, number, body] { answer(number, body); });
}

void Backend::on_message(const std::string& id, std::string_view body) {
  std::size_t number = 0;
  std::from_chars(body.data(), body.data() + body.size(), number);
  if (number >= ledger_.messages.size()) return ledger_.fail("an unknown message of " + id);
  ++ledger_.messages[number].processed;
}

void Backend::forget(uint64_t caller) { callers_.erase(caller); }

void Backend::answer(uint64_t caller, const std::string& body) {
  const auto found = callers_.find(caller);
  if (found == callers_.end()) return;  // it was cut
  found->second->is_busy = false;
  found->second->send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body);
}

}  // namespace drain_load
