// Both sides of HTTP/1.1 on real sockets, speaking to one another on one loop.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "protocol/http/http_writer.h"
#include "proxy/http/client_connection.h"
#include "proxy/http/server_connection.h"
#include "proxy/net/listener.h"
#include "proxy/net/socket_stream.h"
#include "tests/support/loop_runner.h"

namespace sockhook::http {
namespace {

constexpr std::size_t kMegabyte = 1024 * 1024;
constexpr std::size_t kQueueLimit = 128 * 1024;

class Sockets : public ::testing::Test,
                public net::AcceptListener,
                public ServerConnectionListener,
                public ClientConnectionOwner,
                public ExchangeListener {
 protected:
  Sockets() {
    auto socket = net::ListenSocket::open(net::SocketAddress::ip("127.0.0.1", 0));
    address_ = socket->address();
    listener_ = std::make_unique<net::Listener>(runner_.loop(), std::move(*socket), this);
    auto stream = std::make_unique<net::SocketStream>(runner_.loop(), false, nullptr);
    net::SocketStream* const raw = stream.get();
    client_ = std::make_unique<ClientConnection>(std::move(stream), false, ParserLimits{}, this);
    EXPECT_EQ(raw->connect(address_, client_.get()), 0);
    EXPECT_TRUE(runner_.run_until([this] { return server_ && client_->is_idle(); }));
  }
  ~Sockets() override {
    listener_->stop();
    if (client_) client_->close();
    if (server_) server_->abort();
    EXPECT_TRUE(runner_.run_until([this] { return !listener_ && !client_ && !server_; }));
  }

  void on_connection(const net::Incoming& incoming) override {
    auto stream = std::make_unique<net::SocketStream>(runner_.loop(), incoming.is_unix, nullptr);
    ASSERT_TRUE(stream->accept(incoming));
    server_ = std::make_unique<ServerConnection>(runner_.deadlines(), std::move(stream),
                                                 ServerConnectionSettings{}, this);
    server_->start();
  }
  void on_stopped() override { listener_.reset(); }

  void on_request(RequestHead&) override {
    if (refuses_) server_->respond(413, {}, "too much");
  }
  void on_request_body(std::string_view data) override {
    request_bytes_ += data.size();
    if (!echoes_) return;
    if (server_->can_respond()) server_->begin_response(200, "", {}, BodyFraming::chunked());
    server_->write(data);
    if (server_->queued_bytes() > kQueueLimit) server_->pause_body();
    most_queued_ = std::max(most_queued_, server_->queued_bytes());
  }
  void on_request_end(Headers&) override {
    if (echoes_) return server_->end_response();
    server_->respond(200, {}, "done");
  }
  void on_request_aborted() override { aborted_ = true; }
  void on_response_writable() override { server_->resume_body(); }
  void on_closed() override { server_.reset(); }

  void on_connected(ClientConnection&, int) override {}
  void on_unusable(ClientConnection&) override {}
  void on_closed(ClientConnection&) override { client_.reset(); }
  void on_response_head(ResponseHead& head) override { status_ = head.status; }
  void on_response_body(std::string_view data) override { answer_ += data; }
  void on_response_end(Headers&, bool reusable) override {
    ended_ = true;
    reusable_ = reusable;
  }
  void on_failure(ExchangeFailure) override { failed_ = true; }

  bool run_to_the_end() {
    return runner_.run_until([this] { return ended_ || failed_; }, 10000) && ended_;
  }

  sockhook::testing::LoopRunner runner_;
  net::SocketAddress address_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<ServerConnection> server_;
  std::unique_ptr<ClientConnection> client_;
  bool refuses_ = false;
  bool echoes_ = false;
  bool aborted_ = false;
  std::size_t request_bytes_ = 0;
  std::size_t most_queued_ = 0;
  int status_ = 0;
  std::string answer_;
  bool ended_ = false;
  bool failed_ = false;
  bool reusable_ = false;
};

std::string post_head(std::size_t length) {
  std::string head;
  write_request_head(head, "POST", "/",
                     {{"Host", "h"}, {"Content-Length", std::to_string(length)}});
  return head;
}

TEST_F(Sockets, RequestsFollowOneAnotherOnOneConnection) {
  for (int i = 0; i < 100; ++i) {
    ended_ = false;
    answer_.clear();
    client_->send(this, post_head(4), "body");
    ASSERT_TRUE(run_to_the_end());
    ASSERT_EQ(answer_, "done");
    ASSERT_TRUE(reusable_);
  }
  EXPECT_EQ(request_bytes_, 400u);
}

TEST_F(Sockets, ALargeBodyComesBackWholeAndTheQueueStaysBounded) {
  echoes_ = true;
  const std::string body(20 * kMegabyte, 'x');
  client_->send(this, post_head(body.size()), body);
  ASSERT_TRUE(run_to_the_end());
  EXPECT_EQ(status_, 200);
  EXPECT_EQ(answer_.size(), body.size());
  EXPECT_LT(most_queued_, kQueueLimit + 2 * net::Loop::kReadBufferBytes);
  EXPECT_TRUE(reusable_);
}

TEST_F(Sockets, ARefusalIsReadByAClientThatIsStillSending) {
  refuses_ = true;
  client_->send(this, post_head(4 * kMegabyte), std::string(4 * kMegabyte, 'x'));
  ASSERT_TRUE(run_to_the_end());
  EXPECT_EQ(status_, 413);
  EXPECT_EQ(answer_, "too much");
  EXPECT_FALSE(reusable_);
}

TEST_F(Sockets, AClientThatGivesUpIsNoticed) {
  client_->begin_request(this, post_head(10), BodyFraming::of_length(10), false);
  client_->write_body("part");
  EXPECT_TRUE(runner_.run_until([this] { return request_bytes_ == 4; }));
  client_->abort();
  EXPECT_TRUE(runner_.run_until([this] { return aborted_ && !server_; }));
}

TEST_F(Sockets, ABackendThatGoesIsNoticed) {
  client_->begin_request(this, post_head(10), BodyFraming::of_length(10), false);
  client_->write_body("part");
  EXPECT_TRUE(runner_.run_until([this] { return request_bytes_ == 4; }));
  server_->abort();
  EXPECT_TRUE(runner_.run_until([this] { return failed_; }));
}

TEST_F(Sockets, ADetachedStreamSpeaksAnotherProtocol) {
  struct NewOwner : net::StreamListener {
    void on_read(std::string_view data) override {
      received += data;
      stream->write("hello too", {});
    }
    void on_end(int) override { stream->close(); }
    void on_closed() override { stream.reset(); }
    std::unique_ptr<net::Stream> stream;
    std::string received;
  } owner;
  echoes_ = true;  // of no body: nothing is answered
  client_->begin_request(this, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", BodyFraming::none(), false);
  EXPECT_TRUE(runner_.run_until([this] { return server_ && server_->can_respond(); }));
  auto detached = server_->detach();
  owner.stream = std::move(detached.stream);
  owner.stream->set_listener(&owner);
  owner.stream->start_reading();
  EXPECT_TRUE(runner_.run_until([this] { return !server_; }));
  client_->stream().write("hello", {});
  EXPECT_TRUE(runner_.run_until([&] { return failed_; }));  // "hello too" is no HTTP
  EXPECT_EQ(owner.received, "hello");
  EXPECT_TRUE(runner_.run_until([&] { return !owner.stream; }));
}

}  // namespace
}  // namespace sockhook::http
