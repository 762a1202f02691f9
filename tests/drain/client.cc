#include "tests/drain/client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "bench/frames.h"
#include "bench/socket.h"

namespace drain_load {
namespace {

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

void Client::connect() {
  ++attempts_;
  began_ms_ = now_ms();
  is_upgraded_ = is_closed_ = false;
  said_ = 0;
  adopt(bench::begin_connect(context_.targets[number_ % context_.targets.size()], number_), true);
}

void Client::on_connected() {
  send(
      "GET /chat HTTP/1.1\r\nHost: balancer.example\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

std::size_t Client::on_data(std::string_view bytes) {
  std::size_t used = is_upgraded_ ? 0 : on_handshake_answer(bytes);
  while (is_upgraded_ && is_open()) {
    const bench::ServerFrame frame = bench::read_frame(bytes.substr(used));
    if (frame.size == 0) break;
    used += frame.size;
    on_frame(frame.opcode, frame.payload);
  }
  return used;
}

std::size_t Client::on_handshake_answer(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (bytes.starts_with("HTTP/1.1 101 ")) {
    is_upgraded_ = true;
  } else {
    ++context_.ledger.refusals[std::string(bytes.substr(9, 3))];
    close();
    come_back();
  }
  return end + 4;
}

void Client::on_frame(uint8_t opcode, std::string_view payload) {
  if (opcode == bench::kPing) {
    send(bench::client_frame(bench::kPong, payload));
  } else if (opcode == bench::kClose) {
    on_close(payload);
  } else if (opcode == bench::kText && id_.empty()) {
    id_ = payload;
    ++context_.open;
    context_.ledger.note_wait(began_ms_, now_ms());
    context_.ledger.most_attempts = std::max(context_.ledger.most_attempts, attempts_);
    attempts_ = 0;
    while (said_ < unanswered_.size()) say(unanswered_[said_]);
    talk();
  } else if (opcode == bench::kText) {
    on_text(payload);
  }
}

void Client::on_text(std::string_view text) {
  const std::size_t number = number_in(text.substr(2));
  if (text.starts_with("p ")) {
    ++context_.ledger.pushes.at(number).received;
  } else if (text.starts_with("a ") && !unanswered_.empty() && unanswered_.front() == number) {
    ++context_.ledger.messages.at(number).answered;
    unanswered_.pop_front();
    --said_;
  } else {
    context_.ledger.fail("an answer to another message");
  }
}

void Client::on_close(std::string_view payload) {
  const auto byte = [&](std::size_t i) { return static_cast<uint8_t>(payload[i]); };
  const int code = payload.size() < 2 ? 0 : byte(0) << 8 | byte(1);
  if (!is_leaving_) {
    context_.ledger.closes.push_back({now_ms(), code});
    send(bench::client_frame(bench::kClose, payload.substr(0, 2)));
  }
  is_closed_ = true;
  // docs/drain.md: what was not answered before the close never reached the backend.
  for (std::size_t i = 0; i < said_; ++i) {
    ++context_.ledger.resent;
    if (context_.ledger.messages.at(unanswered_[i]).processed > 0) {
      context_.ledger.fail("processed, and not answered before the close");
    }
  }
}

void Client::on_end() {
  if (!id_.empty()) {
    --context_.open;
    id_.clear();
    if (!is_closed_) context_.ledger.fail("a socket ended without a close frame");
  } else {
    ++context_.ledger.refusals[is_upgraded_ ? "ended after 101" : "ended"];
  }
  if (!is_leaving_) come_back();
}

void Client::come_back() {
  const int64_t longest = std::min(kFirstBackOffMs << std::min(attempts_, 10U), kLongestBackOffMs);
  context_.loop.after(context_.below(longest), [this] { connect(); });
}

void Client::leave() {
  is_leaving_ = is_closed_ = true;
  send(bench::client_frame(bench::kClose, "\x03\xE8"));
}

void Client::talk() {
  if (std::exchange(is_talking_, true)) return;
  context_.loop.after(context_.below(2 * context_.pause_ms), [this] {
    is_talking_ = false;
    if (id_.empty() || is_closed_ || context_.is_silent) return;
    if (unanswered_.size() < kWindow) {
      unanswered_.push_back(context_.ledger.messages.size());
      context_.ledger.messages.emplace_back();
      say(unanswered_.back());
    }
    talk();
  });
}

void Client::say(uint64_t message) {
  ++said_;
  send(bench::client_frame(bench::kText, std::to_string(message)));
}

}  // namespace drain_load
