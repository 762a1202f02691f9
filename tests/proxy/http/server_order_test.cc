// Whatever the client does and whenever its owner calls: one on_closed, no event after the end of a
// request, no answer inside another. Random, with fixed seeds; the sanitizers watch.

#include <random>

#include "tests/proxy/http/server_fixture.h"

namespace sockhook::http {
namespace {

using testing::Closing;
using testing::kGet;
using testing::post;

class ServerOrder : public testing::ServerFixture {
 protected:
  void on_request(RequestHead& head) override {
    EXPECT_FALSE(in_request_) << "two requests at once";
    in_request_ = true;
    ServerFixture::on_request(head);
    act();
  }
  void on_request_body(std::string_view data) override {
    EXPECT_TRUE(in_request_);
    EXPECT_FALSE(data.empty());
    act();
  }
  void on_request_end(Headers&) override {
    EXPECT_TRUE(in_request_);
    in_request_ = false;
    act();
  }
  void on_request_aborted() override {
    in_request_ = false;
    ++aborted_;
    EXPECT_FALSE(connection_->can_respond());
    act();
  }
  void on_response_writable() override { act(); }
  void on_closed() override {
    ++closed_;
    connection_.reset();
  }

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  // Something that an owner might do, at any moment.
  void act() {
    switch (below(14)) {
      case 0:
      case 1:
        if (connection_->can_respond()) in_request_ = false;
        return connection_->respond(200, {{"X", "y"}}, "answer");
      case 2:
        return connection_->begin_response(200, "", {}, BodyFraming::chunked());
      case 3:
        return connection_->begin_response(200, "", {}, BodyFraming::of_length(below(8)));
      case 4:
      case 5:
        return connection_->write("data");
      case 6:
      case 7:
        return connection_->end_response();
      case 8:
        return connection_->send_informational(103);
      case 9:
        return connection_->accept_body();
      case 10:
        return below(2) == 0 ? connection_->pause_body() : connection_->resume_body();
      case 11:
        if (below(20) == 0) connection_->abort();
        return;
      case 12:
        if (below(20) == 0) connection_->close_after_response();
        return;
      default:
        return;
    }
  }

  void step() {
    static const std::string kPieces[] = {
        kGet,
        post("body"),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        "abc",
        kGet + kGet + kGet,
        kGet.substr(0, 12),
        kGet.substr(12),
    };
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        return stream_->deliver(kPieces[below(std::size(kPieces))]);
      case 3:
        return stream_->block();
      case 4:
        stream_->unblock();
        return;
      case 5:
        if (below(10) == 0) stream_->deliver_end(below(2) == 0 ? 0 : -104);
        return;
      case 6:
        return stream_->pump();
      default:
        return act();
    }
  }

  std::mt19937 random_;
  bool in_request_ = false;
  int aborted_ = 0;
  int closed_ = 0;
};

TEST_F(ServerOrder, AnyOrderOfEventsEndsInOneOnClosed) {
  constexpr unsigned kLives = 3000;
  for (unsigned seed = 1; seed <= kLives; ++seed) {
    random_.seed(seed);
    settings_.answers_half_closed = seed % 2 == 0;
    settings_.continue_at_once = seed % 3 == 0;
    in_request_ = false;
    peer_ = {};
    const int closed_before = closed_;
    start();
    for (int i = 0; i < 60 && peer_.closing == Closing::kNo; ++i) step();
    if (peer_.closing == Closing::kNo) connection_->abort();
    run_close();
    ASSERT_EQ(closed_, closed_before + 1) << "seed " << seed;
  }
  EXPECT_GT(aborted_, 100) << "the orders are too tame to test anything";
}

}  // namespace
}  // namespace sockhook::http
