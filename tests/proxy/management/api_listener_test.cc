// Listener and connections over real sockets: keep-alive, pipelining, limits, refusals, the end.

#include "proxy/management/api_listener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>

#include "proxy/mailbox.h"
#include "proxy/management/api_error.h"

namespace sockhook::management {
namespace {

constexpr std::size_t kBodySize = 100'000;

// /echo answers its body at once, /later when it is told to, /refused 401 from the head.
struct ScriptedHandler final : RequestHandler {
  std::optional<Answer> refuse(const http::RequestHead& head) override {
    if (head.target != "/refused") return {};
    return to_answer({ErrorCode::kMissingToken, {}}, Dialect::kSockhook);
  }
  Started handle(const http::RequestHead& head, std::string body, bool is_oversized,
                 CallListener* listener) override {
    ++handled;
    if (is_oversized) return {0, to_answer({ErrorCode::kTooLarge, {}}, Dialect::kSockhook)};
    if (head.target != "/later") return {0, Answer{200, std::move(body), "text/plain"}};
    waiting.emplace_back(++last_call, listener);
    return {last_call, {}};
  }
  void forget(CallId call) override {
    std::erase_if(waiting, [call](const auto& each) { return each.first == call; });
    ++forgotten;
  }
  void count_answer(int status) override { last_status = status; }

  void answer_all() {
    for (auto [call, listener] : std::exchange(waiting, {})) {
      Answer answer{200, "late", "text/plain"};
      listener->on_call_answered(call, answer);
    }
  }

  CallId last_call = 0;
  std::vector<std::pair<CallId, CallListener*>> waiting;
  std::atomic<int> handled = 0;
  std::atomic<int> forgotten = 0;
  std::atomic<int> last_status = 0;
};

// The listener on a loop of its own thread.
class Server final : public ApiListenerOwner {
 public:
  explicit Server(std::string unix_path = {}) : unix_path_(std::move(unix_path)) {
    std::promise<void> ready;
    thread_ = std::thread([this, &ready] { run(ready); });
    ready.get_future().wait();
  }
  ~Server() {
    stop();
    thread_.join();
  }

  void post(std::function<void()> action) { ASSERT_TRUE(mailbox_->post(std::move(action))); }
  // Runs `action` on the loop and waits for it.
  void run_on_loop(const std::function<void()>& action) {
    std::promise<void> done;
    post([&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  void stop() {
    if (!std::exchange(is_stopping_, true)) post([this] { listener_->stop(); });
  }

  net::SocketAddress address;
  ScriptedHandler handler;

 private:
  void run(std::promise<void>& ready) {
    net::Loop loop;
    Mailbox<std::function<void()>> mailbox(loop, [](std::vector<std::function<void()>>& actions) {
      for (const auto& action : actions) action();
    });
    mailbox_ = &mailbox;
    auto socket =
        net::ListenSocket::open(unix_path_.empty() ? net::SocketAddress::ip("127.0.0.1", 0)
                                                   : net::SocketAddress::unix_path(unix_path_));
    ASSERT_TRUE(socket) << socket.error();
    address = socket->address();
    listener_ = std::make_unique<ApiListener>(loop, std::move(*socket), handler, kBodySize, this);
    loop_ = &loop;
    ready.set_value();
    loop.run();
  }
  void on_listener_stopped(ApiListener&) override {
    listener_.reset();
    mailbox_->close();
    loop_->close();
  }

  const std::string unix_path_;
  bool is_stopping_ = false;
  Mailbox<std::function<void()>>* mailbox_ = nullptr;
  net::Loop* loop_ = nullptr;
  std::unique_ptr<ApiListener> listener_;
  std::thread thread_;
};

// A blocking client.
class Client {
 public:
  explicit Client(const Server& server) : fd_(::socket(server.address.family(), SOCK_STREAM, 0)) {
    const timeval timeout{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    EXPECT_EQ(::connect(fd_, server.address.get(), server.address.length()), 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t size = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return;
      sent += static_cast<std::size_t>(size);
    }
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  // Status and body of the next answer; status 0 when there is none.
  std::pair<int, std::string> read_answer() {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!fill()) return {0, {}};
    }
    head = buffer_.substr(0, buffer_.find("\r\n\r\n") + 4);
    buffer_.erase(0, head.size());
    std::size_t length = 0;
    const std::size_t at = head.find("Content-Length: ");
    if (at != std::string::npos) length = std::stoul(head.substr(at + 16));
    while (buffer_.size() < length) {
      if (!fill()) return {0, {}};
    }
    const std::string body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return {std::stoi(head.substr(9, 3)), body};
  }
  int read_status() { return read_answer().first; }
  // True when nothing but the end of the connection comes.
  bool is_ended() { return buffer_.empty() && !fill(); }

  std::string head;  // of the last answer

 private:
  bool fill() {
    char bytes[4096];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  const int fd_;
  std::string buffer_;
};

std::string post(const std::string& target, const std::string& body,
                 const std::string& headers = {}) {
  return "POST " + target + " HTTP/1.1\r\nHost: a\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

using Answered = std::pair<int, std::string>;

TEST(ApiListenerTest, KeepsAliveAndAnswersPipelinedRequestsInOrder) {
  Server server;
  Client client(server);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += post("/echo", std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read_answer(), Answered(200, std::to_string(i)));
  client.send(post("/echo", "again"));
  EXPECT_EQ(client.read_answer(), Answered(200, "again"));
  EXPECT_NE(client.head.find("Content-Type: text/plain\r\n"), std::string::npos);
}

TEST(ApiListenerTest, ThePipelineWaitsForALateAnswer) {
  Server server;
  Client client(server);
  client.send(post("/later", "") + post("/echo", "behind"));
  while (server.handler.handled == 0) std::this_thread::yield();
  server.post([&] { server.handler.answer_all(); });
  EXPECT_EQ(client.read_answer(), Answered(200, "late"));
  EXPECT_EQ(client.read_answer(), Answered(200, "behind"));
}

TEST(ApiListenerTest, ServesAUnixSocket) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("sockhook-api-" + std::to_string(::getpid()) + ".sock");
  {
    Server server(path.string());
    Client client(server);
    client.send(post("/echo", "x"));
    EXPECT_EQ(client.read_answer(), Answered(200, "x"));
  }
  std::filesystem::remove(path);
}

TEST(ApiListenerTest, ABodyOfExactlyBodySizeIsTakenAndOneByteMoreIs413) {
  Server server;
  Client client(server);
  client.send(post("/echo", std::string(kBodySize, 'x')));
  EXPECT_EQ(client.read_answer().second.size(), kBodySize);
  client.send(post("/echo", std::string(kBodySize + 1, 'x')));
  const auto [status, body] = client.read_answer();
  EXPECT_EQ(status, 413);
  EXPECT_NE(body.find("\"code\":\"too_large\""), std::string::npos);
  EXPECT_NE(client.head.find("Content-Type: application/problem+json"), std::string::npos);
  EXPECT_NE(client.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.is_ended());
}

TEST(ApiListenerTest, AChunkedBodyIsMeasuredAsItComes) {
  Server server;
  Client client(server);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_answer(), Answered(200, "abc"));
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) client.send("2710\r\n" + std::string(10'000, 'x') + "\r\n");
  EXPECT_EQ(client.read_status(), 413);
  EXPECT_EQ(server.handler.handled, 2);
}

TEST(ApiListenerTest, AHeadMayBe128KiBAndNoMore) {
  Server server;
  Client client(server);
  client.send(post("/echo?" + std::string(126 * 1024, 'x'), "x"));
  EXPECT_EQ(client.read_status(), 200);
  client.send(post("/echo?" + std::string(129 * 1024, 'x'), "x"));
  const int status = client.read_status();
  EXPECT_TRUE(status == 414 || status == 431) << status;
  EXPECT_TRUE(client.is_ended());
}

TEST(ApiListenerTest, ARefusedRequestKeepsTheConnectionWhenItsBodyIsShort) {
  Server server;
  Client client(server);
  client.send(post("/refused", "body") + post("/echo", "x"));
  EXPECT_EQ(client.read_status(), 401);
  EXPECT_EQ(client.read_answer(), Answered(200, "x"));
  EXPECT_EQ(server.handler.last_status, 200);
}

TEST(ApiListenerTest, ARefusedRequestWithALongBodyIsAnsweredUnreadAndClosed) {
  Server server;
  Client client(server);
  client.send("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nx");
  EXPECT_EQ(client.read_status(), 401);
  EXPECT_TRUE(client.is_ended());
}

TEST(ApiListenerTest, ExpectContinueIsAnsweredOnlyWhenTheBodyIsWanted) {
  Server server;
  Client wanted(server);
  wanted.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(wanted.read_status(), 100);
  wanted.send("hi");
  EXPECT_EQ(wanted.read_answer(), Answered(200, "hi"));
  for (const char* request :
       {"POST /refused HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
        "9999999\r\n\r\n"}) {
    Client refused(server);
    refused.send(request);
    EXPECT_GE(refused.read_status(), 400);
  }
}

TEST(ApiListenerTest, AClientThatLeavesIsForgotten) {
  Server server;
  {
    Client client(server);
    client.send(post("/later", "") + post("/echo", "never asked"));
    while (server.handler.handled == 0) std::this_thread::yield();
  }
  // A FIN behind a whole request is no farewell: the answer meets a closed socket.
  server.run_on_loop([&] { server.handler.answer_all(); });
  Client next(server);
  next.send(post("/echo", "x"));
  EXPECT_EQ(next.read_status(), 200);
}

TEST(ApiListenerTest, AClientThatShutsItsSideIsStillAnswered) {
  Server server;
  Client client(server);
  client.send(post("/later", ""));
  client.finish_sending();
  while (server.handler.handled == 0) std::this_thread::yield();
  server.post([&] { server.handler.answer_all(); });
  EXPECT_EQ(client.read_answer(), Answered(200, "late"));
  EXPECT_TRUE(client.is_ended());
}

TEST(ApiListenerTest, BeyondTheMostConnectionsOneMoreIsClosedAndAPlaceThatIsFreeIsTaken) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  Server server;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < ApiListener::kMaxConnections; ++i) {
    clients.push_back(std::make_unique<Client>(server));
  }
  clients.back()->send(post("/echo", "x"));
  EXPECT_EQ(clients.back()->read_status(), 200);
  Client refused(server);
  EXPECT_TRUE(refused.is_ended());
  clients.pop_back();
  while (true) {
    Client next(server);
    next.send(post("/echo", "x"));
    if (next.read_status() == 200) break;
  }
}

TEST(ApiListenerTest, MalformedRequestsAre400AndClose) {
  Server server;
  for (const char* request :
       {"nonsense\r\n\r\n", "GET / HTTP/1.1\n\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    Client client(server);
    client.send(request);
    EXPECT_EQ(client.read_status(), 400);
    EXPECT_TRUE(client.is_ended());
  }
  EXPECT_EQ(server.handler.handled, 0);
}

TEST(ApiListenerTest, StoppingAnswersWhatIsUnderWayAndEndsIdleConnections) {
  Server server;
  Client idle(server);
  idle.send(post("/echo", "x"));
  EXPECT_EQ(idle.read_status(), 200);
  Client busy(server);
  busy.send(post("/later", ""));
  while (server.handler.handled < 2) std::this_thread::yield();
  server.post([&] { server.handler.answer_all(); });
  server.stop();
  EXPECT_TRUE(idle.is_ended());
  EXPECT_EQ(busy.read_answer(), Answered(200, "late"));
}

TEST(ApiListenerTest, StoppingDoesNotWaitForEverForAnAnswer) {
  Server server;
  Client client(server);
  client.send(post("/later", ""));
  while (server.handler.handled == 0) std::this_thread::yield();
  server.stop();
  EXPECT_TRUE(client.is_ended());
}

}  // namespace
}  // namespace sockhook::management
