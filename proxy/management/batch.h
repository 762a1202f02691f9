// Batch: the lines of one POST /v1/batch, started in order, answered in order.
//
// A line is started without waiting for the outcomes of those before it: commands to one target
// keep their order on the way. Only a line whose idempotency key is still being claimed holds up
// what follows, since its command is not on its way yet.
//
// Bounded: kMaxLines lines; kWindow of them under way, of listings one alone; the answers together
// are no longer than `answer_bytes` plus an error for each line: a listing that does not fit is
// answered 413 in its line.
//
// Owner: the ManagementApi, which destroys it in on_batch_done. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/management/authenticator.h"
#include "proxy/management/batch_line.h"
#include "proxy/management/request_handler.h"

namespace sockhook::management {

struct StartedLine {
  Started started;
  bool is_submitted = true;  // false: what follows has to wait for on_call_submitted
  bool is_listing = false;   // its answer may be long
};

// What a batch needs of the ManagementApi.
class LineStarter {
 public:
  virtual StartedLine start_line(const BatchLine& line, const Caller& caller,
                                 CallListener* listener) = 0;
  // The last answer is there. Destroys the batch; never called from inside run().
  virtual void on_batch_done(CallId batch) = 0;

 protected:
  ~LineStarter() = default;
};

class Batch final : public CallListener {
 public:
  static constexpr std::size_t kMaxLines = 64 * 1024;
  static constexpr std::size_t kWindow = 1024;
  static constexpr std::string_view kContentType = "application/x-ndjson";

  Batch(CallId id, const Caller& caller, std::string body, std::size_t answer_bytes,
        LineStarter& starter)
      : id_(id),
        caller_(caller),
        body_(std::move(body)),
        answer_bytes_(answer_bytes),
        starter_(starter) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  static std::size_t count_lines(std::string_view body);

  // Starts as many lines as may be started. Called once by the owner; then it goes on by itself.
  void run();
  bool is_done() const { return next_byte_ >= body_.size() && waiting_.empty(); }
  Answer take_answer();

  // CallListener: of its lines.
  void on_call_submitted(CallId call) override;
  void on_call_answered(CallId call, Answer& answer) override;

 private:
  struct WaitingLine {
    std::size_t index;
    std::size_t weight;
  };

  std::string_view take_line();
  void start_next_line();
  void write_answer(std::size_t line, const Answer& answer);

  const CallId id_;
  const Caller& caller_;
  const std::string body_;
  const std::size_t answer_bytes_;
  LineStarter& starter_;
  std::size_t next_byte_ = 0;
  CallId held_up_by_ = 0;   // the line that is not submitted yet; 0: none
  std::size_t weight_ = 0;  // of the lines under way
  std::unordered_map<CallId, WaitingLine> waiting_;
  std::vector<std::string> answers_;  // by line; empty until it is known
  std::size_t answered_bytes_ = 0;
};

}  // namespace sockhook::management
