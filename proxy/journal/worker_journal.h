// WorkerJournal: what one worker tells the control of its connections: names, records, orphans.
//
//   names     at the end of the loop turn, in order
//   records   a first one, an ending and an erasure at the end of the loop turn; a change of user
//   or
//             state within kChangeDelayMs, however often they change until then; nothing of an
//             endpoint without a route for $disconnect
//   orphans   whose $disconnect is done: connections with ids of another life or node
//
// One message for all that a loop turn brings. When the control's mailbox is full it is kept and
// told a little later; with kFull entries untold the node takes no new clients.
//
// Owner: the Worker, which has none without a cluster. Thread: the worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>

#include "proxy/cluster_messages.h"
#include "proxy/net/loop.h"
#include "proxy/routing/connection_journal.h"

namespace sockhook::journal {

class JournalSink {
 public:
  // Takes the entries, or leaves them as they are: false, the control has no room.
  virtual bool tell(JournalEntries& entries) = 0;

 protected:
  ~JournalSink() = default;
};

class WorkerJournal final : public routing::ConnectionJournal,
                            net::SoonListener,
                            net::DeadlineListener {
 public:
  // Contract 4.1: a $disconnect sent by another node says what was set 1 s before the death.
  static constexpr uint64_t kChangeDelayMs = 500;
  // Changes that are encoded at a time, so that a crowd of them does not hold up the loop.
  static constexpr std::size_t kChangesAtOnce = 2000;
  static constexpr uint64_t kRetryMs = 10;
  static constexpr std::size_t kFull = 250'000;

  WorkerJournal(net::Loop& loop, unsigned worker, const webhook::NodeKey& life, JournalSink* sink);

  // routing::ConnectionJournal
  void named(backplane::NameKind kind, std::string_view name, const webhook::ConnectionId& id,
             bool is_member) override;
  void opened(const routing::FactsPtr& facts) override;
  void changed(const routing::FactsPtr& facts) override;
  void owed(const routing::WebhookJob& disconnect) override;
  void settled(const webhook::ConnectionId& id) override;

  // Writes the record of a connection that lives.
  void write(const routing::ConnectionFacts& facts);
  // RecordsWritten follows, with this ticket, when all records so far are written or will not be.
  backplane::Ticket write_awaited(const routing::ConnectionFacts& facts);
  // That orphan is finished without a $disconnect.
  void finish_orphan(const webhook::NodeKey& owner, const webhook::ConnectionId& id);

  // What has not been told yet is void: others have declared the node dead.
  void begin_life(const webhook::NodeKey& life);
  // Tells at once; false: the control has no room.
  bool flush();
  bool is_full() const;

 private:
  void on_soon(net::Soon& soon) override;
  void on_deadline(net::Deadline& deadline) override;

  JournalEntries empty_entries() const { return {worker_, life_, {}, {}, {}}; }
  bool is_empty() const;
  void put(const webhook::ConnectionId& id, std::string data, backplane::Ticket ticket);
  void write_changes();

  net::Loop& loop_;
  const unsigned worker_;
  webhook::NodeKey life_;
  JournalSink* const sink_;
  net::Soon soon_{this};
  net::Deadline retry_{this};
  net::Deadline change_deadline_{this};

  JournalEntries entries_;
  // In the order of the changes; one whose id is not in changed_ids_ has been written since.
  std::deque<routing::FactsPtr> changed_;
  std::unordered_set<webhook::ConnectionId> changed_ids_;
  backplane::Ticket last_ticket_ = 0;
};

}  // namespace sockhook::journal
