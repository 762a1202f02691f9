// MailboxRouter: the PushRouter of one node: ids and targets become messages to workers, their
// replies become one outcome.
//
// Owner: the Control. Thread: the control loop's. At most kMaxTickets commands are under way;
// beyond that a command is refused as overloaded. Each waits kDeadlineMs at most: a send to many
// then tells what is known and names the node as unknown, everything else has timed out.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/messages.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"
#include "proxy/node.h"
#include "proxy/push/push_router.h"

namespace sockhook {

class MailboxRouter final : public push::PushRouter, net::DeadlineListener {
 public:
  static constexpr std::size_t kMaxTickets = 32 * 1024;
  // False: the worker's mailbox is full.
  using Post = std::function<bool(unsigned worker, WorkerMessage message)>;

  // `reply_to_self` brings a reply to on_reply() from the loop, as a worker's would come.
  using ReplyToSelf = std::function<void(PushReply reply)>;

  MailboxRouter(net::Loop& loop, Node& node, Post post, ReplyToSelf reply_to_self);
  ~MailboxRouter() override;

  push::Ticket submit(push::PushCommand command, push::PushListener* listener) override;
  std::optional<push::Ticket> submit_list(push::List list, push::Scope scope,
                                          const std::string& cursor,
                                          push::PushListener* listener) override;
  void forget(push::PushListener* listener) override;
  bool is_local(const webhook::ConnectionId& id) const override {
    return ids_->locate(id).has_value();
  }

  // A new life: ids of the one before are nobody's from now on.
  void begin_life(std::shared_ptr<const webhook::IdScheme> ids) { ids_ = std::move(ids); }

  // A worker's answer.
  void on_reply(PushReply& reply);

 private:
  // A command under way: to one worker, to all at once, or (List) from worker to worker.
  struct Pending {
    push::PushListener* listener;
    uint64_t due_ms;
    unsigned missing = 0;         // replies
    bool has_failed = false;      // its listener will be told
    bool may_be_partial = false;  // tells what is known when a worker does not answer
    push::PushOutcome outcome;
    std::optional<push::List> list;  // goes on with the next worker
    push::Scope scope;
    unsigned worker = 0;
  };

  push::Ticket open(push::PushListener* listener);
  void send_to(unsigned worker, push::Ticket ticket, push::PushCommand command);
  void send_to_all(push::Ticket ticket, const push::PushCommand& command);
  void continue_list(push::Ticket ticket, Pending& pending);
  void complete(push::Ticket ticket);
  void fail(push::Ticket ticket, push::RouteFailure failure);
  void fail_later(push::Ticket ticket, push::RouteFailure failure);
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  Node& node_;
  std::shared_ptr<const webhook::IdScheme> ids_;  // of the present life
  const Post post_;
  const ReplyToSelf reply_to_self_;
  net::Deadline deadline_{this};
  push::Ticket next_ticket_ = 1;
  std::unordered_map<push::Ticket, Pending> pending_;
  // Failed inside submit(): told from the loop.
  std::vector<std::pair<push::Ticket, push::RouteFailure>> failed_;
};

}  // namespace sockhook
