// Client: comes back whenever it is closed, as docs/drain.md asks of clients: after a random part
// of a back-off that doubles, and sending again what was not answered before the close.
//
// Its first frame is its connection's id; then it says numbered messages, kWindow at a time, each
// answered by `a N`, and takes pushes, `p N`.

#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/drain/ledger.h"
#include "tests/drain/wire.h"

namespace drain_load {

struct ClientContext {
  EventLoop& loop;
  Ledger& ledger;
  std::vector<sockaddr_in> targets;  // each has its share
  int64_t pause_ms;                  // between two messages, on average
  std::minstd_rand random;
  std::size_t open = 0;
  bool is_silent = false;  // nobody says anything new

  int64_t below(int64_t limit) { return std::uniform_int_distribution<int64_t>(0, limit)(random); }
};

class Client final : public Wire {
 public:
  static constexpr std::size_t kWindow = 2;
  static constexpr int64_t kFirstBackOffMs = 500;
  static constexpr int64_t kLongestBackOffMs = 5000;

  Client(ClientContext& context, uint32_t number)
      : Wire(context.loop), context_(context), number_(number) {}

  void connect();
  void leave();
  bool is_idle() const { return unanswered_.empty(); }
  // Empty while it is not open.
  const std::string& id() const { return id_; }

 private:
  void on_connected() override;
  std::size_t on_data(std::string_view bytes) override;
  void on_end() override;
  std::size_t on_handshake_answer(std::string_view bytes);
  void on_frame(uint8_t opcode, std::string_view payload);
  void on_text(std::string_view text);
  void on_close(std::string_view payload);
  void come_back();
  void talk();
  void say(uint64_t message);

  ClientContext& context_;
  const uint32_t number_;
  std::string id_;
  bool is_upgraded_ = false;
  bool is_closed_ = false;  // a close frame has come, or it leaves
  bool is_leaving_ = false;
  bool is_talking_ = false;  // its timer runs
  std::deque<uint64_t> unanswered_;
  std::size_t said_ = 0;  // of those, on this connection
  unsigned attempts_ = 0;
  int64_t began_ms_ = 0;  // the present attempt
};

}  // namespace drain_load
