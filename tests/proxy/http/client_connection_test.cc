#include "proxy/http/client_connection.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "tests/support/memory_stream.h"

namespace sockhook::http {
namespace {

using sockhook::testing::MemoryStream;
using Closing = MemoryStream::Closing;

const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class Client : public ::testing::Test, public ClientConnectionOwner, public ExchangeListener {
 protected:
  ~Client() override {
    if (!connection_) return;
    connection_->close();
    stream_->run_close();
  }

  void start(bool is_connected = true) {
    auto stream = std::make_unique<MemoryStream>(peer_);
    stream_ = stream.get();
    connection_ =
        std::make_unique<ClientConnection>(std::move(stream), is_connected, ParserLimits{}, this);
  }
  void send() { connection_->send(this, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", "body"); }

  void on_connected(ClientConnection&, int error) override {
    events_ += "connected " + std::to_string(error) + ";";
  }
  void on_unusable(ClientConnection&) override { events_ += "unusable;"; }
  void on_closed(ClientConnection&) override {
    events_ += "closed;";
    connection_.reset();
  }
  void on_informational(const ResponseHead& head) override {
    events_ += std::to_string(head.status) + ";";
  }
  void on_response_head(ResponseHead& head) override {
    events_ += "head " + std::to_string(head.status) + ";";
    if (when_head) when_head();
  }
  void on_response_body(std::string_view data) override { body_ += data; }
  void on_response_end(Headers& trailers, bool reusable) override {
    events_ += reusable ? "end, reusable;" : "end;";
    for (const Header& field : trailers) events_ += field.name + "=" + field.value + ";";
    if (when_end) when_end();
  }
  void on_failure(ExchangeFailure failure) override {
    constexpr const char* kNames[] = {"before;", "in answer;", "malformed;"};
    events_ += std::string("failure ") + kNames[static_cast<int>(failure)];
  }
  void on_request_writable() override { events_ += "writable;"; }

  std::string take_events() { return std::exchange(events_, {}); }

  MemoryStream::Peer peer_;
  MemoryStream* stream_ = nullptr;
  std::unique_ptr<ClientConnection> connection_;
  std::function<void()> when_head;
  std::function<void()> when_end;
  std::string events_;
  std::string body_;
};

TEST_F(Client, AWholeRequestIsOneWriteAndItsAnswerLeavesTheConnectionReusable) {
  start();
  send();
  EXPECT_EQ(stream_->take_writes(), 1);
  EXPECT_EQ(peer_.take(), "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_FALSE(connection_->is_idle());
  stream_->deliver(kAnswer);
  EXPECT_EQ(take_events(), "head 200;end, reusable;");
  EXPECT_EQ(body_, "ok");
  EXPECT_TRUE(connection_->is_idle());
  EXPECT_FALSE(connection_->was_reused());
}

TEST_F(Client, TheNextRequestMayBeSentFromInsideTheEndOfTheLast) {
  int left = 3;
  when_end = [&] {
    if (left-- > 0) send();
  };
  start();
  send();
  for (int i = 0; i < 4; ++i) stream_->deliver(kAnswer);
  EXPECT_EQ(body_, "okokokok");
  EXPECT_TRUE(connection_->was_reused());
  EXPECT_TRUE(connection_->is_idle());
}

TEST_F(Client, ByteByByteIsTheSame) {
  start();
  send();
  for (const char c : "HTTP/1.1 103 Early Hints\r\n\r\n" + kAnswer) {
    stream_->deliver(std::string(1, c));
  }
  EXPECT_EQ(take_events(), "103;head 200;end, reusable;");
}

TEST_F(Client, AStreamedRequestIsChunkedAsItsHeadSays) {
  start();
  connection_->begin_request(this, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                             BodyFraming::chunked(), false);
  connection_->write_body("hello");
  connection_->write_body("");
  connection_->end_body({{"T", "1"}});
  connection_->end_body();
  EXPECT_EQ(peer_.take(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n");
  stream_->deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nU: 2\r\n\r\n");
  EXPECT_EQ(take_events(), "head 200;end, reusable;U=2;");
}

TEST_F(Client, AStreamedRequestOfKnownLengthIsWrittenAsItIs) {
  start();
  connection_->begin_request(this, "H\r\n\r\n", BodyFraming::of_length(4), false);
  connection_->write_body("bo");
  connection_->write_body("dy");
  connection_->end_body();
  EXPECT_EQ(peer_.take(), "H\r\n\r\nbody");
}

TEST_F(Client, AnAnswerToHeadHasNoBody) {
  start();
  connection_->begin_request(this, "HEAD\r\n\r\n", BodyFraming::none(), true);
  connection_->end_body();
  stream_->deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(take_events(), "head 200;end, reusable;");
}

TEST_F(Client, AnAnswerBeforeTheRequestHasEndedIsGivenOnButTheConnectionCloses) {
  start();
  connection_->begin_request(this, "POST\r\n\r\n", BodyFraming::chunked(), false);
  stream_->deliver(kAnswer);
  EXPECT_EQ(take_events(), "head 200;end;");
  EXPECT_EQ(peer_.closing, Closing::kClosed);
  connection_->write_body("late");
  connection_->end_body();
}

TEST_F(Client, AnAnswerThatCannotBeFollowedByAnotherClosesTheConnection) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        kAnswer + "HTTP/1.1 200 more than was asked for",
        std::string("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")}) {
    start();
    send();
    stream_->deliver(answer);
    EXPECT_EQ(take_events(), "head 200;end;");
    EXPECT_TRUE(connection_->is_closing());
    stream_->run_close();
    EXPECT_EQ(take_events(), "closed;");
    peer_ = {};
  }
}

TEST_F(Client, ABodyUntilCloseEndsWithFinButNotWithAReset) {
  start();
  send();
  stream_->deliver("HTTP/1.1 200 OK\r\n\r\nabc");
  stream_->deliver_end(0);
  EXPECT_EQ(take_events(), "head 200;end;");
  stream_->run_close();
  take_events();
  peer_ = {};
  start();
  send();
  stream_->deliver("HTTP/1.1 200 OK\r\n\r\nabc");
  stream_->deliver_end(-104);
  EXPECT_EQ(take_events(), "head 200;failure in answer;");
}

TEST_F(Client, AConnectionClosedBeforeTheFirstByteSaysSo) {
  for (const int error : {0, -104}) {
    start();
    send();
    stream_->deliver(kAnswer);
    send();
    take_events();
    EXPECT_FALSE(connection_->has_answer_begun());
    stream_->deliver_end(error);
    EXPECT_EQ(take_events(), "failure before;");
    EXPECT_TRUE(connection_->was_reused());
    stream_->run_close();
    take_events();
    peer_ = {};
  }
}

TEST_F(Client, AConnectionClosedInTheAnswerSaysSo) {
  start();
  send();
  stream_->deliver("H");
  EXPECT_TRUE(connection_->has_answer_begun());
  stream_->deliver_end(0);
  EXPECT_EQ(take_events(), "failure in answer;");
  EXPECT_TRUE(connection_->is_closing());
}

TEST_F(Client, AfterAnInformationalAnswerTheBackendHasReadTheRequest) {
  start();
  send();
  stream_->deliver("HTTP/1.1 100 Continue\r\n\r\n");
  stream_->deliver_end(0);
  EXPECT_EQ(take_events(), "100;failure in answer;");
}

TEST_F(Client, GarbageAnd101AreMalformed) {
  for (const char* const answer :
       {"garbage\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    start();
    send();
    stream_->deliver(answer);
    EXPECT_EQ(take_events(), "failure malformed;");
    stream_->run_close();
    take_events();
    peer_ = {};
  }
}

TEST_F(Client, AnIdleConnectionThatEndsOrSpeaksIsUnusable) {
  for (const bool speaks : {false, true}) {
    start();
    send();
    stream_->deliver(kAnswer);
    take_events();
    if (speaks) {
      stream_->deliver("HTTP/1.1 408 Request Timeout\r\n\r\n");
    } else {
      stream_->deliver_end(0);
    }
    EXPECT_EQ(take_events(), "unusable;");
    EXPECT_FALSE(connection_->is_idle());
    stream_->run_close();
    EXPECT_EQ(take_events(), "closed;");
    peer_ = {};
  }
}

TEST_F(Client, PausingTheAnswerStopsTheSocketUntilTheExchangeEnds) {
  start();
  send();
  when_head = [this] { connection_->pause_reading(); };
  stream_->deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na");
  stream_->deliver("bcd");
  EXPECT_EQ(body_, "a");
  connection_->resume_reading();
  stream_->pump();
  EXPECT_EQ(body_, "abcd");
  EXPECT_TRUE(connection_->is_idle());
}

TEST_F(Client, AConnectionThatWasPausedWatchesTheBackendAgainWhenIdle) {
  start();
  send();
  when_head = [this] { connection_->pause_reading(); };
  stream_->deliver(kAnswer);
  EXPECT_TRUE(connection_->is_idle());
  EXPECT_TRUE(stream_->is_reading());
}

TEST_F(Client, ItsUserLearnsWhenAFullSocketHasDrained) {
  start();
  connection_->begin_request(this, "POST\r\n\r\n", BodyFraming::chunked(), false);
  stream_->block();
  connection_->write_body(std::string(1000, 'x'));
  EXPECT_GE(connection_->queued_bytes(), 1000u);
  stream_->unblock();
  EXPECT_EQ(take_events(), "writable;");
}

TEST_F(Client, AnAbortedExchangeIsSilent) {
  start();
  send();
  connection_->abort();
  connection_->abort();
  EXPECT_EQ(peer_.closing, Closing::kReset);
  EXPECT_EQ(take_events(), "");
  stream_->run_close();
  EXPECT_EQ(take_events(), "closed;");
}

TEST_F(Client, NothingIsDeliveredAfterAnAbortInsideAnEvent) {
  start();
  send();
  when_head = [this] { connection_->abort(); };
  stream_->deliver(kAnswer);
  EXPECT_EQ(take_events(), "head 200;");
  EXPECT_EQ(body_, "");
}

TEST_F(Client, ConnectingEndsInAnIdleConnectionOrAClosingOne) {
  start(false);
  EXPECT_FALSE(connection_->is_idle());
  connection_->on_connected(0);
  EXPECT_EQ(take_events(), "connected 0;");
  EXPECT_TRUE(connection_->is_idle());
  EXPECT_TRUE(stream_->is_reading());
  connection_->close();
  stream_->run_close();
  take_events();
  peer_ = {};
  start(false);
  connection_->on_connected(-111);
  EXPECT_EQ(take_events(), "connected -111;");
  EXPECT_TRUE(connection_->is_closing());
}

}  // namespace
}  // namespace sockhook::http
