// RequestServer: carries out on this node what other nodes ask, and answers them.
//
// At most kMaxRequests are under way; beyond that they are refused as overloaded. Each ends within
// the local router's deadline; by then its asker may have given up, and drops the answer. An answer
// over kMaxReplyBytes, which only a listing can have, is refused likewise.
// Requests of one node run in the order in which they came.
//
// Owner: the ClusterRouter. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <unordered_map>

#include "backplane/backplane.h"
#include "proxy/cluster/push_codec.h"
#include "proxy/push/push_router.h"

namespace sockhook::cluster {

class RequestServer final : private push::PushListener {
 public:
  static constexpr std::size_t kMaxRequests = 32 * 1024;
  static constexpr std::size_t kMaxReplyBytes = std::size_t{16} << 20U;

  RequestServer(push::PushRouter& local, backplane::Backplane& backplane)
      : local_(local), backplane_(backplane) {}
  ~RequestServer() { local_.forget(this); }
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

  void serve(const backplane::NodeKey& asker, Request request);
  void refuse(const backplane::NodeKey& asker, push::Ticket ticket, push::RouteFailure failure);

 private:
  struct Asked {
    backplane::NodeKey asker;
    push::Ticket ticket;  // the asker's
  };

  void answer(push::Ticket local, Reply reply);
  void on_outcome(push::Ticket ticket, push::PushOutcome& outcome) override;
  void on_route_failure(push::Ticket ticket, push::RouteFailure failure) override;

  push::PushRouter& local_;
  backplane::Backplane& backplane_;
  std::unordered_map<push::Ticket, Asked> asked_;  // by the local router's ticket
};

}  // namespace sockhook::cluster
