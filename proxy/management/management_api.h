// ManagementApi: what backends call (contract 6), and API Gateway's @connections (A13).
//
// A request is matched with the table of operations, its caller is authenticated and checked, its
// input becomes a Command, and a CallRunner takes it from there. Batches do the same line by line.
//
// Owner: the Control. Thread: the control loop's. Router and backplane outlive it.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "conf/config.h"
#include "proxy/management/batch.h"
#include "proxy/management/call_runner.h"
#include "proxy/management/operations.h"
#include "proxy/management/request_handler.h"

namespace sockhook::management {

class ManagementApi final : public RequestHandler, public LineStarter {
 public:
  ManagementApi(const conf::Config& config, push::PushRouter& router,
                backplane::Backplane& backplane, observe::ControlMetrics& metrics);

  std::optional<Answer> refuse(const http::RequestHead& head) override;
  Started handle(const http::RequestHead& head, std::string body, bool is_oversized,
                 CallListener* listener) override;
  void forget(CallId call) override;
  void count_answer(int status) override;
  // A line of a batch, or an operation from the stream.
  StartedLine start_line(const BatchLine& line, const Caller& caller,
                         CallListener* listener) override;

 private:
  // What a call is, once it is known to be allowed.
  struct Admitted {
    Match match;
    const Caller* caller;
  };

  static Result<Admitted, Answer> admit(std::string_view method, const ApiPath& path,
                                        const Result<const Caller*, ApiError>& caller);
  Started start_command(const Admitted& admitted, std::string_view target,
                        const CallRequest& request, const std::string* idempotency_key,
                        bool is_oversized, CallListener* listener);
  Started start_batch(const Caller& caller, std::string body, CallListener* listener);

  // LineStarter
  void on_batch_done(CallId batch) override;

  const Authenticator authenticator_;
  const std::size_t body_size_;
  observe::ControlMetrics& metrics_;
  CallRunner runner_;

  struct RunningBatch {
    std::unique_ptr<Batch> batch;
    CallListener* listener;
  };
  std::unordered_map<CallId, RunningBatch> batches_;
};

}  // namespace sockhook::management
