// The Lua scripts of the backplane: one atomic step each, on the keys of one shard.
//
// Every script that writes for a node has that node's tombstone (Keys::dead) as KEYS[1] and answers
// "-FENCED lost" or "-FENCED replaced", having done nothing, if it is there. Times are Redis' own.
// Node: 12 hex digits. What follows names further KEYS, ARGV and the reply.
//
// Messages and look-ups are for nodes that Redis knows: "-FORGOTTEN this node" answers one that is
// not in `up`, for then it cannot know of others either. Its data is lost, and it has to register
// again.
//
//   Messages
//     kSend      KEYS up, numbers; ARGV sender, PUBLISH or SPUBLISH, start of channels, kind (a
//                letter), payload, receiver. Reply: {receiver, number}, number 0: deaf; {}: gone.
//     kSendName  KEYS up, numbers, name; ARGV as above without receiver. Reply: {node, number, ...}
//                of all nodes of the name but the sender.
//     kSendAll   KEYS up, numbers; ARGV likewise. Of all nodes that are up.
//     kIsUp      KEYS (no tombstone) up; ARGV asker, node. Reply: 1 if its lease runs, else 0.
//   A message is the sender, the number, the kind, the payload, without anything in between. They
//   are numbered from 1 for each pair of nodes on each shard. What a sender publishes without a
//   script is numbered by the sender itself, for each receiver: then a '=' stands before the
//   number.
//
//   Names; `members` is a sorted set, the score being the node's epoch
//     kSetNames  KEYS members, names...; ARGV node, TTL of names, TTL of members, epoch, length of
//                the keys' start + 1, values... ("": gone). Reply: OK.
//     kLookup    KEYS (no tombstone) up, name; ARGV node. Reply: {node, value, ...} of the others
//                that are up.
//     kRefreshNames  KEYS members, up, numbers; ARGV node, TTL of names, TTL of members, start of
//                keys, offset, limit. Renews a page. Reply: {names seen, names missing}.
//     kSweepNames  KEYS members; ARGV node, epoch, start of keys, limit. Takes back what was said
//                in earlier epochs. Reply: how many.
//
//   Claims
//     kClaim     KEYS claim, up; ARGV node, fingerprint, TTL. Reply: {0} mine, {1, status, body}
//                remembered, {2} conflict, {3} running.
//     kSettle    KEYS claim; ARGV node, TTL, fingerprint, status, body. Reply: 1, or 0 where it is
//                another's by now.
//     kAbandon   KEYS claim; ARGV node. Reply: likewise.
//
//   Leases, records, take-over: lease_scripts.h

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sockhook::backplane {

enum class Script : std::uint8_t {
  kSend,
  kSendName,
  kSendAll,
  kIsUp,
  kSetNames,
  kLookup,
  kRefreshNames,
  kSweepNames,
  kClaim,
  kSettle,
  kAbandon,
  kBeat,
  kReplace,
  kLeave,
  kWriteRecords,
  kTakePage,
  kEraseOrphans,
  kCleanNames,
  kFinishTakeOver,
  kCount
};

inline constexpr std::uint64_t kNameTtlMs = 3'600'000;
inline constexpr std::uint64_t kNumbersTtlMs = 3'600'000;
// Lists of dead nodes that one heartbeat takes, of each shard; the others wait for the next.
inline constexpr std::size_t kMaxClaims = 16;

// What every script that writes for a node begins with.
const std::string& fence_check();
// now(): Redis' time in milliseconds.
const std::string& now_function();
// The source of one, and of all by their number.
std::string script_source(Script script);
std::vector<std::string> script_sources();

}  // namespace sockhook::backplane
