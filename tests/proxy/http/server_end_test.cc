// How a ServerConnection ends: malformed requests, clients that go, stall or linger.

#include "tests/proxy/http/server_fixture.h"

namespace sockhook::http {
namespace {

using testing::Closing;
using testing::kGet;
using testing::post;

class ServerEnd : public testing::ServerFixture {};

TEST_F(ServerEnd, AMalformedRequestIsAnsweredAndTheConnectionCloses) {
  start();
  stream_->deliver("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
            "Connection: close\r\nContent-Length: 103\r\n\r\n"
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
            "\"code\":\"malformed_request\",\"detail\":\"no Host\"}");
  EXPECT_TRUE(peer_.received_fin);
  EXPECT_EQ(take_events(), "");
}

TEST_F(ServerEnd, EachRefusalHasItsStatus) {
  struct Case {
    std::string request;
    std::string status;
  };
  for (const Case& c : {
           Case{"FROB / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 501 Not Implemented"},
           Case{"GET / HTTP/3.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported"},
           Case{"GET /" + std::string(20000, 'a'), "HTTP/1.1 414 URI Too Long"},
           Case{"GET / HTTP/1.1\r\nX: " + std::string(20000, 'a'),
                "HTTP/1.1 431 Request Header Fields Too Large"},
           Case{"GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n",
                "HTTP/1.1 417 Expectation Failed"},
           Case{"POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 417 Expectation Failed"},
           Case{"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
       }) {
    start();
    stream_->deliver(c.request);
    EXPECT_EQ(status_line(), c.status);
    EXPECT_EQ(take_events(), "");
    stream_->deliver_end();
    run_close();
    take_events();
    peer_ = {};
  }
}

TEST_F(ServerEnd, AMalformedSecondRequestIsRefusedBehindTheFirstAnswer) {
  start();
  stream_->deliver(kGet + "garbage\r\n\r\n");
  EXPECT_EQ(peer_.take(), "");
  connection_->respond(200, {});
  const std::string bytes = peer_.take();
  EXPECT_EQ(bytes.find("HTTP/1.1 200 OK"), 0u);
  EXPECT_NE(bytes.find("HTTP/1.1 4"), std::string::npos);
  EXPECT_TRUE(peer_.received_fin);
}

TEST_F(ServerEnd, AMalformedBodyAbortsTheRequestAndIsAnswered) {
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  stream_->deliver("garbage");
  EXPECT_EQ(take_events(), "request POST /;aborted;");
  EXPECT_EQ(status_line(), "HTTP/1.1 400 Bad Request");
  connection_->respond(200, {});
  EXPECT_EQ(peer_.take(), "");
}

TEST_F(ServerEnd, AMalformedBodyBehindAnAnswerThatHasBegunResets) {
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  connection_->begin_response(200, "", {}, BodyFraming::chunked());
  stream_->deliver("garbage");
  EXPECT_EQ(take_events(), "request POST /;aborted;");
  EXPECT_EQ(peer_.closing, Closing::kReset);
}

TEST_F(ServerEnd, ALingeringConnectionDropsWhatStillComes) {
  when_request = [this] { connection_->respond(413, {}); };
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc");
  EXPECT_TRUE(stream_->is_reading());
  stream_->deliver(std::string(50000, 'x') + kGet);
  EXPECT_EQ(take_events(), "request POST /;");
  EXPECT_EQ(peer_.closing, Closing::kNo);
  stream_->deliver_end();
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerEnd, LingeringIsBoundedInBytes) {
  settings_.linger_bytes = 1000;
  when_request = [this] { connection_->respond(413, {}); };
  start();
  stream_->deliver(post("body"));
  stream_->deliver(std::string(1001, 'x'));
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerEnd, LingeringIsBoundedInTime) {
  settings_.linger_timeout_ms = 20;
  when_request = [this] { connection_->respond(413, {}); };
  start();
  stream_->deliver(post("body"));
  EXPECT_TRUE(runner_.run_until([this] { return peer_.closing == Closing::kClosed; }));
}

TEST_F(ServerEnd, ASlowReaderStillGetsTheWholeLastAnswer) {
  settings_.linger_timeout_ms = 20;
  start();
  stream_->deliver("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  stream_->block();
  connection_->respond(200, {}, std::string(1000, 'x'));
  stream_->deliver_end();
  runner_.run_for(60);
  EXPECT_EQ(peer_.closing, Closing::kNo);
  stream_->unblock();
  EXPECT_TRUE(peer_.received_fin);
  EXPECT_GT(peer_.take().size(), 1000u);
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerEnd, AClientThatGoesWhileItsRequestIsAnsweredAbortsIt) {
  for (const int error : {0, -104}) {
    start();
    stream_->deliver(kGet);
    stream_->deliver_end(error);
    EXPECT_EQ(take_events(), "request GET /a;end;aborted;");
    EXPECT_NE(peer_.closing, Closing::kNo);
    connection_->respond(200, {});
    EXPECT_EQ(peer_.take(), "");
    run_close();
    EXPECT_EQ(take_events(), "closed;");
    peer_ = {};
  }
}

TEST_F(ServerEnd, AClientThatGoesInTheMiddleOfItsBodyAbortsIt) {
  settings_.answers_half_closed = true;
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  stream_->deliver_end();
  EXPECT_EQ(take_events(), "request POST /;aborted;");
}

TEST_F(ServerEnd, AHalfClosedClientIsAnsweredWhereThatIsWanted) {
  settings_.answers_half_closed = true;
  start();
  stream_->deliver(kGet + kGet + "GET /cut");
  stream_->deliver_end();
  EXPECT_EQ(take_events(), "request GET /a;end;");
  connection_->respond(200, {});
  EXPECT_EQ(take_events(), "request GET /a;end;");
  EXPECT_EQ(peer_.closing, Closing::kNo);
  connection_->respond(200, {});
  EXPECT_EQ(take_events(), "");
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerEnd, AHalfClosedClientIsClosedBehindItsLastAnswer) {
  settings_.answers_half_closed = true;
  start();
  stream_->deliver(kGet);
  stream_->deliver_end();
  connection_->respond(200, {}, "x");
  EXPECT_EQ(status_line(), "HTTP/1.1 200 OK");
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerEnd, AnIdleConnectionThatTheClientEndsJustCloses) {
  start();
  stream_->deliver_end();
  EXPECT_EQ(peer_.closing, Closing::kClosed);
  run_close();
  EXPECT_EQ(take_events(), "closed;");
}

TEST_F(ServerEnd, SilenceIsClosedWithoutAWord) {
  settings_.head_timeout_ms = 20;
  start();
  EXPECT_TRUE(runner_.run_until([this] { return peer_.closing == Closing::kClosed; }));
  EXPECT_EQ(peer_.take(), "");
}

TEST_F(ServerEnd, APartOfAHeadIsAnswered408) {
  settings_.head_timeout_ms = 20;
  start();
  stream_->deliver("GET / HT");
  EXPECT_TRUE(runner_.run_until([this] { return peer_.received_fin; }));
  EXPECT_EQ(status_line(), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(take_events(), "");
}

TEST_F(ServerEnd, TheFirstHeadIsTimedFromTheStartNotFromItsFirstByte) {
  settings_.head_timeout_ms = 300;
  start();
  runner_.run_for(200);
  stream_->deliver("G");
  EXPECT_TRUE(runner_.run_until([this] { return peer_.received_fin; }, 200));
  EXPECT_EQ(status_line(), "HTTP/1.1 408 Request Timeout");
}

TEST_F(ServerEnd, ALaterHeadIsTimedFromItsFirstByteAndIdlenessByItsOwnLimit) {
  settings_.head_timeout_ms = 30;
  settings_.idle_timeout_ms = 200;
  start();
  stream_->deliver(kGet);
  connection_->respond(200, {});
  peer_.take();
  runner_.run_for(80);
  EXPECT_FALSE(peer_.received_fin);
  EXPECT_EQ(peer_.closing, Closing::kNo);
  stream_->deliver("GET");
  EXPECT_TRUE(runner_.run_until([this] { return peer_.received_fin; }));
  EXPECT_EQ(status_line(), "HTTP/1.1 408 Request Timeout");
}

TEST_F(ServerEnd, AnIdleConnectionIsClosedAfterItsTime) {
  settings_.idle_timeout_ms = 20;
  start();
  stream_->deliver(kGet);
  connection_->respond(200, {});
  EXPECT_TRUE(runner_.run_until([this] { return peer_.closing == Closing::kClosed; }));
}

TEST_F(ServerEnd, ABodyThatStallsIsAnswered408) {
  settings_.stall_timeout_ms = 20;
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_TRUE(runner_.run_until([this] { return peer_.received_fin; }));
  EXPECT_EQ(status_line(), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(take_events(), "request POST /;aborted;");
}

TEST_F(ServerEnd, WaitingForTheOwnerIsNoStall) {
  settings_.stall_timeout_ms = 20;
  start();
  stream_->deliver(kGet);
  runner_.run_for(80);
  EXPECT_TRUE(connection_->can_respond());
  connection_->respond(200, {});
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  connection_->pause_body();
  runner_.run_for(80);
  EXPECT_TRUE(connection_->can_respond());
}

TEST_F(ServerEnd, AClientThatDoesNotTakeItsAnswerIsAborted) {
  settings_.stall_timeout_ms = 20;
  start();
  stream_->deliver(kGet);
  stream_->block();
  connection_->begin_response(200, "", {}, BodyFraming::chunked());
  connection_->write("hello");
  EXPECT_TRUE(runner_.run_until([this] { return peer_.closing == Closing::kReset; }));
  EXPECT_EQ(take_events(), "request GET /a;end;aborted;");
}

TEST_F(ServerEnd, AbortIsSilentAndOnClosedComesOnce) {
  start();
  stream_->deliver(kGet);
  take_events();
  connection_->abort();
  connection_->abort();
  EXPECT_EQ(peer_.closing, Closing::kReset);
  EXPECT_EQ(take_events(), "");
  run_close();
  EXPECT_EQ(take_events(), "closed;");
}

TEST_F(ServerEnd, NothingIsDeliveredAfterAnAbortInsideAnEvent) {
  when_request = [this] { connection_->abort(); };
  start();
  stream_->deliver(post("body") + kGet);
  EXPECT_EQ(take_events(), "request POST /p;");
  EXPECT_EQ(body_, "");
}

TEST_F(ServerEnd, CallsOnAConnectionThatIsOverDoNothing) {
  start();
  connection_->respond(200, {});
  connection_->write("x");
  connection_->end_response();
  connection_->accept_body();
  connection_->send_informational(103);
  EXPECT_EQ(peer_.take(), "");
  connection_->abort();
  connection_->begin_response(200, "", {}, BodyFraming::chunked());
  connection_->pause_body();
  connection_->resume_body();
  connection_->close_after_response();
  EXPECT_EQ(peer_.take(), "");
  EXPECT_FALSE(connection_->is_open());
}

}  // namespace
}  // namespace sockhook::http
