// What a ServerConnection promises its owner and a well-behaved client, in one exchange or many.

#include "tests/proxy/http/server_fixture.h"

namespace sockhook::http {
namespace {

using testing::Closing;
using testing::kGet;
using testing::post;

class ServerExchange : public testing::ServerFixture {};

TEST_F(ServerExchange, ARequestIsDeliveredAndItsAnswerFramed) {
  start();
  stream_->deliver(post("body"));
  EXPECT_EQ(take_events(), "request POST /p;end;");
  EXPECT_EQ(body_, "body");
  connection_->respond(201, {{"X", "y"}, {"Content-Length", "99"}}, "hello");
  EXPECT_EQ(take_answers(), "HTTP/1.1 201 Created\r\nX: y\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(dates_, 1);
  EXPECT_TRUE(connection_->is_open());
}

TEST_F(ServerExchange, ByteByByteIsTheSame) {
  start();
  for (const char c : post("body")) stream_->deliver(std::string(1, c));
  EXPECT_EQ(take_events(), "request POST /p;end;");
  EXPECT_EQ(body_, "body");
}

TEST_F(ServerExchange, BytesReadBeforehandComeFirst) {
  start(kGet.substr(0, 10));
  stream_->deliver(kGet.substr(10));
  EXPECT_EQ(take_events(), "request GET /a;end;");
}

TEST_F(ServerExchange, AWholeAnswerIsOneWrite) {
  start();
  stream_->deliver(kGet);
  connection_->respond(200, {}, "hello");
  EXPECT_EQ(stream_->take_writes(), 1);
}

TEST_F(ServerExchange, TheOwnersDateIsKept) {
  start();
  stream_->deliver(kGet);
  connection_->respond(200, {{"date", "then"}});
  EXPECT_EQ(peer_.take(), "HTTP/1.1 200 OK\r\ndate: then\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ServerExchange, AnAnswerToHeadHasLengthButNoBody) {
  start();
  stream_->deliver("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  connection_->respond(200, {}, "hello");
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  stream_->deliver(kGet);
  connection_->respond(200, {}, "hello");
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_F(ServerExchange, NoContentAndNotModifiedHaveNeitherBodyNorLength) {
  start();
  for (const int status : {204, 304}) {
    stream_->deliver(kGet);
    connection_->respond(status, {}, "hello");
    EXPECT_EQ(take_answers(),
              "HTTP/1.1 " + std::to_string(status) + " " + reason_phrase(status) + "\r\n\r\n");
  }
}

TEST_F(ServerExchange, KeepAliveServesRequestAfterRequest) {
  start();
  for (int i = 0; i < 3; ++i) {
    stream_->deliver(kGet);
    EXPECT_EQ(take_events(), "request GET /a;end;");
    connection_->respond(200, {}, "x");
    EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  }
}

TEST_F(ServerExchange, PipelinedRequestsComeOneAtATimeAndInOrder) {
  start();
  stream_->deliver("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n" + post("two") + kGet.substr(0, 9));
  EXPECT_EQ(take_events(), "request GET /1;end;");
  stream_->deliver(kGet.substr(9));
  EXPECT_EQ(take_events(), "");
  connection_->respond(200, {}, "1");
  EXPECT_EQ(take_events(), "request POST /p;end;");
  EXPECT_EQ(body_, "two");
  connection_->respond(200, {}, "2");
  EXPECT_EQ(take_events(), "request GET /a;end;");
  connection_->respond(200, {}, "3");
  EXPECT_EQ(take_events(), "");
}

TEST_F(ServerExchange, ThousandsOfPipelinedRequestsAnsweredFromInsideTheEventNeedNoStack) {
  when_end = [this] { connection_->respond(204, {}); };
  settings_.answers_at_once = 20000;
  start();
  std::string requests;
  for (int i = 0; i < 20000; ++i) requests += kGet;
  stream_->deliver(requests);
  std::size_t answers = 0;
  const std::string bytes = peer_.take();
  for (std::size_t at = 0; (at = bytes.find("HTTP/1.1 204", at)) != std::string::npos; ++at) {
    ++answers;
  }
  EXPECT_EQ(answers, 20000u);
}

TEST_F(ServerExchange, AfterSomeAnswersTheOthersHaveTheirTurn) {
  when_end = [this] { connection_->respond(204, {}); };
  settings_.answers_at_once = 2;
  settings_.idle_timeout_ms = 60'000;
  start();
  stream_->deliver(kGet + kGet + kGet + kGet + kGet + kGet.substr(0, 9));
  EXPECT_EQ(take_events(), "request GET /a;end;request GET /a;end;");
  EXPECT_FALSE(stream_->is_reading());
  std::string events;
  EXPECT_TRUE(runner_.run_until([&] {
    events += take_events();
    return stream_->is_reading();
  }));
  EXPECT_EQ(events, "request GET /a;end;request GET /a;end;request GET /a;end;");
  stream_->deliver(kGet.substr(9));
  EXPECT_EQ(take_events(), "request GET /a;end;");
}

TEST_F(ServerExchange, AClientThatTakesNoAnswersIsNotReadAnyMore) {
  when_end = [this] { connection_->respond(404, {}, std::string(100, 'x')); };
  settings_.unread_bytes = 1000;
  settings_.answers_at_once = 1000;
  start();
  stream_->block();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += kGet;
  stream_->deliver(requests);
  EXPECT_FALSE(stream_->is_reading());
  EXPECT_LT(connection_->queued_bytes(), 1500u);
  runner_.run_for(30);
  EXPECT_LT(connection_->queued_bytes(), 1500u);
  stream_->unblock();
  EXPECT_TRUE(runner_.run_until([&] { return stream_->is_reading(); }));
  EXPECT_EQ(take_events().size(), 100 * std::string("request GET /a;end;").size());
}

TEST_F(ServerExchange, AClientThatTakesNoAnswersIsAbortedInTheEnd) {
  when_end = [this] { connection_->respond(404, {}, std::string(2000, 'x')); };
  settings_.unread_bytes = 1000;
  settings_.stall_timeout_ms = 30;
  start();
  stream_->block();
  stream_->deliver(kGet + kGet);
  EXPECT_TRUE(runner_.run_until([&] { return peer_.closing == Closing::kReset; }));
}

TEST_F(ServerExchange, PipelinedBytesBeyondTheLimitStayInTheSocket) {
  settings_.unread_bytes = 100;
  start();
  stream_->deliver(kGet);
  stream_->deliver(std::string(99, 'x'));
  EXPECT_TRUE(stream_->is_reading());
  stream_->deliver("xx");
  EXPECT_FALSE(stream_->is_reading());
}

TEST_F(ServerExchange, ReadingGoesOnOnceThePipelineIsServed) {
  settings_.unread_bytes = 10;
  start();
  stream_->deliver(kGet);
  stream_->deliver(kGet);
  ASSERT_FALSE(stream_->is_reading());
  connection_->respond(200, {});
  connection_->respond(200, {});
  EXPECT_TRUE(stream_->is_reading());
  EXPECT_EQ(take_events(), "request GET /a;end;request GET /a;end;");
}

TEST_F(ServerExchange, ARequestWithoutBodyMayBeAnsweredAtOnceAndTheConnectionGoesOn) {
  when_request = [this] { connection_->respond(404, {}); };
  start();
  stream_->deliver(kGet + kGet);
  EXPECT_EQ(take_events(), "request GET /a;request GET /a;");
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(connection_->is_open());
}

TEST_F(ServerExchange, AnAnswerBeforeTheBodyHasComeClosesTheConnection) {
  when_request = [this] { connection_->respond(413, {}); };
  start();
  stream_->deliver(post("body"));
  EXPECT_EQ(take_events(), "request POST /p;");
  EXPECT_EQ(body_, "");
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(peer_.received_fin);
  EXPECT_FALSE(connection_->is_open());
}

TEST_F(ServerExchange, AStreamedAnswerIsChunkedWithTrailers) {
  start();
  stream_->deliver(kGet);
  connection_->begin_response(200, "Fine", {{"X", "y"}}, BodyFraming::until_close());
  connection_->write("hello");
  connection_->write("");
  connection_->write(" world");
  connection_->end_response({{"X-T", "1"}});
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 200 Fine\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n");
  EXPECT_TRUE(connection_->is_open());
}

TEST_F(ServerExchange, AStreamedAnswerOfKnownLengthHasIt) {
  start();
  stream_->deliver(kGet);
  connection_->begin_response(200, "", {}, BodyFraming::of_length(6));
  connection_->write("abc");
  connection_->write("defg");  // what is too much must not become the next answer
  connection_->end_response();
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
}

TEST_F(ServerExchange, AnAnswerThatIsCutShortAbortsTheConnection) {
  start();
  stream_->deliver(kGet);
  connection_->begin_response(200, "", {}, BodyFraming::of_length(6));
  connection_->write("abc");
  connection_->end_response();
  EXPECT_EQ(peer_.closing, Closing::kReset);
  run_close();
  EXPECT_EQ(take_events(), "request GET /a;end;closed;");
}

TEST_F(ServerExchange, Http10IsAnsweredUntilCloseWithoutChunks) {
  start();
  stream_->deliver("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  connection_->send_informational(103);
  connection_->begin_response(200, "", {}, BodyFraming::chunked());
  connection_->write("hello");
  connection_->end_response({{"X-T", "1"}});
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(peer_.received_fin);
}

TEST_F(ServerExchange, StreamedHeadersOfAnswersWithoutBodyPass) {
  start();
  stream_->deliver("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  connection_->begin_response(200, "", {{"Content-Length", "9"}}, BodyFraming::none());
  connection_->write("dropped");
  connection_->end_response();
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  stream_->deliver(kGet);
  connection_->begin_response(304, "", {{"Content-Length", "9"}}, BodyFraming::none());
  connection_->end_response();
  EXPECT_EQ(take_answers(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
  stream_->deliver(kGet);
  connection_->begin_response(200, "", {}, BodyFraming::none());
  connection_->end_response();
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  stream_->deliver(kGet);
  connection_->begin_response(204, "", {{"Content-Length", "9"}}, BodyFraming::none());
  connection_->end_response();
  EXPECT_EQ(take_answers(), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_F(ServerExchange, InformationalAnswersGoFirst) {
  start();
  stream_->deliver(kGet);
  connection_->send_informational(103, {{"Link", "</a>"}});
  connection_->respond(200, {});
  connection_->send_informational(103);
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ServerExchange, AWaitingClientGetsOneContinueWhenTheOwnerTakesTheBody) {
  start();
  stream_->deliver(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(peer_.take(), "");
  connection_->accept_body();
  connection_->accept_body();
  EXPECT_EQ(peer_.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  stream_->deliver("x");
  EXPECT_EQ(take_events(), "request POST /;end;");
}

TEST_F(ServerExchange, NoContinueIsSentOnceTheBodyComesOrWithoutExpectation) {
  start();
  stream_->deliver(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nx");
  connection_->accept_body();
  stream_->deliver("y");
  connection_->respond(204, {});
  peer_.take();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n");
  connection_->accept_body();
  EXPECT_EQ(peer_.take(), "");
}

TEST_F(ServerExchange, ContinueMayBeSentAtOnce) {
  settings_.continue_at_once = true;
  start();
  stream_->deliver(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(peer_.take(), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_F(ServerExchange, AnOwnerThatRefusesAtOnceSendsNoContinue) {
  settings_.continue_at_once = true;
  when_request = [this] { connection_->respond(413, {}); };
  start();
  stream_->deliver(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(status_line(), "HTTP/1.1 413 Content Too Large");
}

TEST_F(ServerExchange, PausingTheBodyStopsTheSocket) {
  start();
  stream_->deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  connection_->pause_body();
  stream_->deliver("def");
  EXPECT_EQ(body_, "abc");
  connection_->resume_body();
  stream_->pump();
  EXPECT_EQ(body_, "abcdef");
}

TEST_F(ServerExchange, TheOwnerLearnsWhenAFullSocketHasDrained) {
  start();
  stream_->deliver(kGet);
  stream_->block();
  connection_->begin_response(200, "", {}, BodyFraming::chunked());
  connection_->write(std::string(1000, 'x'));
  EXPECT_GE(connection_->queued_bytes(), 1000u);
  take_events();
  stream_->unblock();
  EXPECT_EQ(take_events(), "writable;");
  EXPECT_EQ(connection_->queued_bytes(), 0u);
}

TEST_F(ServerExchange, ConnectionCloseIsObeyedAndSaid) {
  start();
  stream_->deliver("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  connection_->respond(200, {}, "x");
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_TRUE(peer_.received_fin);
  EXPECT_EQ(peer_.closing, Closing::kNo);
  stream_->deliver_end();
  EXPECT_EQ(peer_.closing, Closing::kClosed);
}

TEST_F(ServerExchange, AnOwnerMayCloseByItsOwnHeader) {
  start();
  stream_->deliver(kGet);
  connection_->respond(426, {{"Upgrade", "websocket"}, {"Connection", "Upgrade, close"}});
  EXPECT_EQ(take_answers(),
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_TRUE(peer_.received_fin);
}

TEST_F(ServerExchange, CloseAfterResponseFinishesTheRequestInHand) {
  start();
  stream_->deliver(kGet + kGet);
  connection_->close_after_response();
  connection_->respond(200, {});
  EXPECT_EQ(take_answers(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(peer_.received_fin);
  EXPECT_EQ(take_events(), "request GET /a;end;");
}

TEST_F(ServerExchange, CloseAfterResponseClosesAnIdleConnection) {
  start();
  connection_->close_after_response();
  EXPECT_TRUE(peer_.received_fin);
}

TEST_F(ServerExchange, DetachHandsOverTheStreamAndWhatFollowedTheRequest) {
  start();
  stream_->deliver(kGet + "early");
  stream_->deliver(" frames");
  ServerConnection::Detached detached = connection_->detach();
  EXPECT_EQ(detached.unread, "early frames");
  EXPECT_EQ(detached.stream.get(), stream_);
  EXPECT_FALSE(stream_->is_reading());
  EXPECT_NE(connection_, nullptr);
  take_events();
  EXPECT_TRUE(runner_.run_until([this] { return connection_ == nullptr; }));
  EXPECT_EQ(take_events(), "closed;");
  EXPECT_EQ(peer_.closing, Closing::kNo);
  struct NewOwner : net::StreamListener {
    void on_read(std::string_view) override {}
    void on_end(int) override {}
    void on_closed() override {}
  } new_owner;
  detached.stream->set_listener(&new_owner);
  detached.stream->close();
  stream_->run_close();
}

TEST_F(ServerExchange, DetachIsAllowedInsideTheEndOfTheRequest) {
  ServerConnection::Detached detached;
  when_end = [&] { detached = connection_->detach(); };
  start();
  stream_->deliver(kGet + "early");
  EXPECT_EQ(detached.unread, "early");
  connection_->respond(200, {});  // the exchange is over: nothing happens
  connection_->abort();
  EXPECT_TRUE(runner_.run_until([this] { return connection_ == nullptr; }));
  EXPECT_EQ(peer_.take(), "");
  struct NewOwner : net::StreamListener {
    void on_read(std::string_view) override {}
    void on_end(int) override {}
    void on_closed() override {}
  } new_owner;
  detached.stream->set_listener(&new_owner);
  detached.stream->close();
  stream_->run_close();
}

}  // namespace
}  // namespace sockhook::http
