#include "tests/drain/publisher.h"

#include <charconv>
#include <string>

#include "bench/http_text.h"
#include "bench/socket.h"

namespace drain_load {
namespace {

constexpr int64_t kAgainMs = 50;

}  // namespace

void Publisher::start() {
  adopt(bench::begin_connect(nodes_[next_node_++ % nodes_.size()], 0), true);
}

void Publisher::push() {
  if (!is_open() || is_waiting_) return;
  const auto index =
      static_cast<std::size_t>(context_.below(static_cast<int64_t>(clients_.size()) - 1));
  const std::string& id = clients_[index]->id();
  if (context_.is_silent || id.empty()) {
    context_.loop.after(pause_ms_, [this] { push(); });
    return;
  }
  is_waiting_ = true;
  number_ = context_.ledger.pushes.size();
  context_.ledger.pushes.emplace_back();
  const std::string body = "p " + std::to_string(number_);
  send("POST /v1/connections/" + id +
       "/messages HTTP/1.1\r\nHost: node.example\r\nContent-Type: text/plain\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n\r\n" + body);
}

std::size_t Publisher::on_data(std::string_view bytes) {
  const auto answer = bench::read_http_message(bytes);
  if (!answer) return 0;
  int status = 0;
  const std::string_view text = answer->start_line.substr(9, 3);
  std::from_chars(text.data(), text.data() + text.size(), status);
  context_.ledger.pushes[number_].status = status;
  is_waiting_ = false;
  context_.loop.after(context_.below(2 * pause_ms_), [this] { push(); });
  return answer->size;
}

// A push without an answer stays as it is: nobody said 200.
void Publisher::on_end() {
  is_waiting_ = false;
  context_.loop.after(kAgainMs, [this] { start(); });
}

}  // namespace drain_load
