// Two ways for the same bytes, in turns of kTurnS, so that the machine is the same for both:
//   bare  PUBLISH written, until the subscriber has the message
//   push  POST to one node written, until a client of another node has the frame
// With a window of 1 nothing else is under way: the latency. With more: the throughput.

#include <cstdio>
#include <deque>

#include "bench/http_text.h"
#include "bench/load.h"
#include "bench/socket.h"
#include "bench/websockets.h"

namespace bench {
namespace {

constexpr double kTurnS = 0.25;

// One way: what is sent arrives at one place and is answered at another.
class Way {
 public:
  explicit Way(const LoadOptions& options)
      : window_(options.window), measurement_(options.watched) {}
  virtual ~Way() = default;

  void run_for(Poller& poller, double seconds, bool is_counted) {
    is_counted_ = is_counted;
    if (is_counted) measurement_.begin();
    const int64_t end = now_ns() + static_cast<int64_t>(seconds * 1e9);
    while (now_ns() < end) {
      while (sent_.size() < window_ && unanswered_ < window_) send();
      flush();
      poller.turn(10);
    }
    const int64_t deadline = end + int64_t{kOpenTimeLimitS} * 1'000'000'000;
    while (!sent_.empty() || unanswered_ > 0) {
      if (now_ns() > deadline) die("messages are missing");
      poller.turn(10);
    }
    if (is_counted) measurement_.end();
  }

  std::string to_json() const {
    char text[256];
    std::snprintf(text, sizeof text,
                  "{%s, \"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
                  "\"answer_p50_us\": %.1f}",
                  measurement_.to_json(count_).c_str(), arrivals_.percentile_us(0.5),
                  arrivals_.percentile_us(0.9), arrivals_.percentile_us(0.99),
                  answers_.percentile_us(0.5));
    return text;
  }

 protected:
  virtual void write() = 0;
  virtual void flush() = 0;

  void on_arrived() {
    if (sent_.empty()) die("a message too many");
    if (is_counted_) arrivals_.add(now_ns() - sent_.front()), ++count_;
    sent_.pop_front();
  }
  void on_answered() {
    if (is_counted_) answers_.add(now_ns() - asked_.front());
    asked_.pop_front();
    --unanswered_;
  }

 private:
  void send() {
    sent_.push_back(now_ns());
    asked_.push_back(sent_.back());
    ++unanswered_;
    write();
  }

  const std::size_t window_;
  std::deque<int64_t> sent_;   // when; what has not arrived
  std::deque<int64_t> asked_;  // when; what has not been answered
  std::size_t unanswered_ = 0;
  bool is_counted_ = false;
  uint64_t count_ = 0;
  Measurement measurement_;
  Latencies arrivals_;
  Latencies answers_;
};

std::string resp(std::initializer_list<std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) {
    text += "$" + std::to_string(word.size()) + "\r\n";
    text.append(word).append("\r\n");
  }
  return text;
}

class BareWay final : public Way, private ConnectionHandler {
 public:
  BareWay(Poller& poller, const LoadOptions& options)
      : Way(options),
        command_(resp({"PUBLISH", kChannel, std::string(options.size, 'x')})),
        message_(resp({"message", kChannel, std::string(options.size, 'x')})),
        publisher_(poller, options.redis, *this),
        subscriber_(poller, options.redis, *this) {
    subscriber_.open(1, 1, kOpenTimeLimitS);
    publisher_.open(1, 1, kOpenTimeLimitS);
  }

 private:
  static constexpr std::string_view kChannel = "bench:channel";

  void write() override { Connections::queue(publisher_[0], command_); }
  void flush() override { publisher_.flush(publisher_[0]); }

  void on_connected(Connection& connection) override {
    if (connection.owner == &publisher_) return publisher_.mark_ready(connection);
    Connections::queue(connection, resp({"SUBSCRIBE", kChannel}));
  }

  std::size_t on_data(Connection& connection, std::string_view bytes) override {
    if (connection.owner == &publisher_) return take(bytes, ":1\r\n", &BareWay::on_answered);
    if (connection.ready) return take(bytes, message_, &BareWay::on_arrived);
    if (!bytes.ends_with(":1\r\n")) return 0;
    subscriber_.mark_ready(connection);
    return bytes.size();
  }

  std::size_t take(std::string_view bytes, std::string_view expected, void (BareWay::*event)()) {
    std::size_t used = 0;
    for (; bytes.size() - used >= expected.size(); used += expected.size()) {
      if (bytes.substr(used, expected.size()) != expected) die("not what Redis should say");
      (this->*event)();
    }
    return used;
  }

  const std::string command_;
  const std::string message_;
  Connections publisher_;
  Connections subscriber_;
};

class PushWay final : public Way, private MessageHandler, private ConnectionHandler {
 public:
  PushWay(Poller& poller, const LoadOptions& options)
      : Way(options),
        payload_(options.size, 'x'),
        receiver_(poller, options.target, options.path, *this),
        publisher_(poller, options.management, *this) {
    receiver_.connections().open(1, 1, kOpenTimeLimitS);
    publisher_.open(1, 1, kOpenTimeLimitS);
    find_receiver(poller);
  }

 private:
  // The id of the only connection of the cluster, as the other node's management tells it.
  void find_receiver(Poller& poller) {
    const int64_t deadline = now_ns() + 10'000'000'000;
    while (request_.empty()) {
      if (now_ns() > deadline) die("the management API does not list the connection");
      if (!is_listing_) {
        is_listing_ = true;
        Connections::queue(publisher_[0],
                           "GET /v1/connections HTTP/1.1\r\nHost: localhost\r\n\r\n");
        publisher_.flush(publisher_[0]);
      }
      poller.turn(10);
    }
  }

  void take_listing(const HttpMessage& answer) {
    constexpr std::string_view kId = "\"id\":\"";
    is_listing_ = false;
    const std::size_t found = answer.body.find(kId);
    if (found == std::string_view::npos) return;
    const std::string_view rest = answer.body.substr(found + kId.size());
    request_ = "POST /v1/connections/" + std::string(rest.substr(0, rest.find('"'))) +
               "/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
               "Content-Length: " +
               std::to_string(payload_.size()) + "\r\n\r\n" + payload_;
  }

  void write() override { Connections::queue(publisher_[0], request_); }
  void flush() override { publisher_.flush(publisher_[0]); }

  void on_message(Connection& /*receiver*/, std::string_view payload) override {
    if (payload != payload_) die("not the message");
    on_arrived();
  }

  void on_connected(Connection& connection) override { publisher_.mark_ready(connection); }

  std::size_t on_data(Connection& /*publisher*/, std::string_view bytes) override {
    std::size_t used = 0;
    while (const auto answer = read_http_message(bytes.substr(used))) {
      used += answer->size;
      if (is_listing_) {
        take_listing(*answer);
        continue;
      }
      if (!answer->start_line.starts_with("HTTP/1.1 200 ")) {
        die("the push was answered " + std::string(answer->start_line));
      }
      on_answered();
    }
    return used;
  }

  const std::string payload_;
  bool is_listing_ = false;
  std::string request_;
  WebSockets receiver_;
  Connections publisher_;
};

}  // namespace

void load_push(const LoadOptions& options) {
  Poller poller;
  BareWay bare(poller, options);
  PushWay push(poller, options);
  bool is_counted = false;  // the first turns warm up
  const int64_t end = now_ns() + static_cast<int64_t>(options.seconds * 1e9);
  for (; now_ns() < end; is_counted = true) {
    bare.run_for(poller, kTurnS, is_counted);
    push.run_for(poller, kTurnS, is_counted);
  }
  std::printf("{\"mode\": \"push\", \"window\": %zu, \"size\": %zu, \"bare\": %s, \"push\": %s}\n",
              options.window, options.size, bare.to_json().c_str(), push.to_json().c_str());
}

}  // namespace bench
