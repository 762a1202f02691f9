// A ServerConnection on a MemoryStream, with an owner that writes down what it is told and answers
// by small hooks.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/http/server_connection.h"
#include "tests/support/loop_runner.h"
#include "tests/support/memory_stream.h"

namespace sockhook::http::testing {

using sockhook::testing::LoopRunner;
using sockhook::testing::MemoryStream;
using Closing = MemoryStream::Closing;

class ServerFixture : public ::testing::Test, public ServerConnectionListener {
 protected:
  ~ServerFixture() override {
    if (connection_ && peer_.closing == Closing::kNo) connection_->abort();
    if (connection_) run_close();
  }

  void start(std::string_view received = {}) {
    auto stream = std::make_unique<MemoryStream>(peer_);
    stream_ = stream.get();
    connection_ =
        std::make_unique<ServerConnection>(runner_.deadlines(), std::move(stream), settings_, this);
    connection_->start(received);
  }
  void run_close() {
    stream_->run_close();
    stream_ = nullptr;
  }

  void on_request(RequestHead& head) override {
    events_ += "request " + head.method + " " + head.target + ";";
    if (when_request) when_request();
  }
  void on_request_body(std::string_view data) override {
    body_ += data;
    if (when_body) when_body();
  }
  void on_request_end(Headers& trailers) override {
    events_ += "end;";
    for (const Header& field : trailers) events_ += field.name + "=" + field.value + ";";
    if (when_end) when_end();
  }
  void on_request_aborted() override { events_ += "aborted;"; }
  void on_response_writable() override { events_ += "writable;"; }
  void on_closed() override {
    events_ += "closed;";
    connection_.reset();
  }

  std::string take_events() { return std::exchange(events_, {}); }

  // The answers without their Date, which no test can know.
  std::string take_answers() {
    std::string bytes = peer_.take();
    for (std::size_t at; (at = bytes.find("Date: ")) != std::string::npos;) {
      bytes.erase(at, bytes.find("\r\n", at) + 2 - at);
      ++dates_;
    }
    return bytes;
  }
  std::string status_line() {
    const std::string bytes = peer_.take();
    return bytes.substr(0, bytes.find("\r\n"));
  }

  LoopRunner runner_;
  ServerConnectionSettings settings_;
  MemoryStream::Peer peer_;
  MemoryStream* stream_ = nullptr;
  std::unique_ptr<ServerConnection> connection_;
  std::function<void()> when_request;
  std::function<void()> when_body;
  std::function<void()> when_end;
  std::string events_;
  std::string body_;
  int dates_ = 0;
};

inline const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

inline std::string post(std::string_view body, std::string_view headers = {}) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace sockhook::http::testing
