// Backplane: what the nodes of a cluster share. In memory it is this process alone; over Redis it
// is the cluster (contract 8). docs/redis.md tells keys, channels and commands.
//
//   Messages  At most once, in order from one sender to one receiver or name. A message that did
//             not arrive is told to its sender by on_lost as soon as the receiver sees the gap, or
//             never: the sender has a deadline of its own.
//   Names     What this node says of a name replaces what it said before; it is seen by others
//             within 2 s, the first and the last member at once. What a dead node said disappears
//             with its lease.
//   Records   Written in the order of the calls, erased likewise. Those of a node that dies go to
//             exactly one survivor, by on_orphans, and again to the next if that one dies before
//             it has finished them: at least once.
//   Leases    on_lease says until when this node is certainly not taken for dead. After on_fenced
//             nothing that this node writes has any effect, until restart().
//   Failure   Everything is answered: at once while there is no link, else within kCommandMs.
//             Nothing is queued while there is no link, nothing is sent twice. After a loss of
//             link or data on_repair asks for all names and records again.
//
// Owner: the Control. Thread: the control loop's, every call and every event. Events never come
// from inside a call, but for on_claim.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/claim.h"
#include "backplane/cluster.h"

namespace sockhook::backplane {

class BackplaneListener {
 public:
  // ---- messages
  // How a send with a ticket went; exactly once.
  virtual void on_sent(Ticket ticket, const Dispatch& dispatch) = 0;
  // A message that counted as `reached` has been lost on the way; after on_sent.
  virtual void on_lost(Ticket ticket, const NodeKey& node) = 0;
  // `payload` is valid during the call.
  virtual void on_message(const NodeKey& from, std::string_view payload) = 0;

  // ---- names
  // `presences`: other nodes', of those alive; absent when it cannot be known (no link).
  virtual void on_lookup(Ticket ticket, const std::optional<std::vector<Presence>>& presences) = 0;

  // ---- records
  // Written (true), or certainly or possibly not (false); exactly once per ticket.
  virtual void on_recorded(Ticket ticket, bool is_written) = 0;
  // Records of a dead node, a page: each is answered by finish_orphan() once its $disconnect has
  // arrived or was given up. The next page comes when at most half of this one is unfinished.
  virtual void on_orphans(const NodeInfo& owner, std::vector<Record> records) = 0;

  // ---- the node's own life
  virtual void on_up() = 0;    // the link works, both ways
  virtual void on_down() = 0;  // it does not
  // Not taken for dead before this time of the loop's clock (ms).
  virtual void on_lease(std::uint64_t until_ms) = 0;
  // Redis has lost data: for a while others may not be found. on_repair() follows.
  virtual void on_data_lost() = 0;
  // Redis may have lost what this node told: tell all names and records again.
  virtual void on_repair() = 0;
  virtual void on_fenced(FenceReason reason) = 0;
  // leave() is done, or has been given up.
  virtual void on_left() = 0;

 protected:
  ~BackplaneListener() = default;
};

class Backplane {
 public:
  // From on_data_lost() until all others have told their names again, a heartbeat not counted,
  // after which each has noticed.
  static constexpr std::uint64_t kRetoldMs = 5'000;
  // The longest that an answer takes (contract 8: "503 within 1 s").
  static constexpr std::uint64_t kCommandMs = 900;
  // Of on_orphans.
  static constexpr std::size_t kOrphanPage = 256;

  enum class State : std::uint8_t { kNone, kUp, kDown };  // kNone: there is no cluster

  virtual ~Backplane() = default;

  // "memory", "redis": for logs.
  virtual std::string_view name() const = 0;
  virtual State state() const = 0;

  // Joins the cluster. The listener outlives the backplane's last event.
  virtual void start(const NodeInfo& self, BackplaneListener* listener) = 0;
  // A new life after on_fenced(kLost): names and records are told again by the caller.
  virtual void restart(const NodeKey& fresh) = 0;
  // This node is about to go: it takes over no more from the dead, whatever life it is in.
  virtual void retire() = 0;
  // Leaves it: what was written before is flushed, records that are left are for the others to
  // take over at once. on_left() follows within kCommandMs and is the last event.
  virtual void leave() = 0;

  // ---- who is there
  // The others that are alive, as of the last heartbeat.
  virtual const std::vector<NodeInfo>& others() const = 0;
  // False from a start without Redis until others() has been true once.
  virtual bool knows_others() const = 0;
  // Of the last message to itself through the backplane, in microseconds; absent: none came back.
  virtual std::optional<std::uint64_t> loop_us() const = 0;

  // ---- messages. With ticket 0 no event follows.
  virtual void send(const NodeKey& to, std::string_view payload, Ticket ticket) = 0;
  // To each other node that has members of the name: one atomic step of look-up and publishing.
  virtual void send_to_name(const Name& name, std::string_view payload, Ticket ticket) = 0;
  // To each other node that is alive.
  virtual void send_to_all(std::string_view payload, Ticket ticket) = 0;

  // ---- names
  // `count` 0: nobody here goes by it any more. `connections`: of a user.
  virtual void set_presence(const Name& name, std::size_t count,
                            const std::vector<ConnectionId>& connections) = 0;
  virtual void lookup(const Name& name, Ticket ticket) = 0;

  // ---- records
  virtual void put_record(Record record, Ticket ticket) = 0;
  virtual void erase_record(const ConnectionId& id) = 0;
  virtual void finish_orphan(const NodeKey& owner, const ConnectionId& id) = 0;

  // ---- claims (claim.h). The listener must outlive the claim.
  virtual void claim(const Claim& claim, Ticket ticket, ClaimListener* listener) = 0;
  // Ends a claim that was kMine; exactly one of the two.
  virtual void settle(const Digest& key, RememberedAnswer answer) = 0;
  virtual void abandon(const Digest& key) = 0;
};

}  // namespace sockhook::backplane
