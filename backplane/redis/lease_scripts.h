// The scripts of leases, records and take-overs, with the contract that scripts.h names: KEYS[1] is
// the tombstone of the node that writes, on this shard.
//
// "TTL" is NodeScope::record_ms: what a node leaves behind waits as long for a survivor. Whoever
// takes a list writes the dead node's tombstone, itself as taker and a lease for the list, in one
// step. A list with a lease of 0 has been handed over: it may be taken at once.
//
//   kBeat      A node's heartbeat on one shard; it registers, renews and claims.
//              KEYS up, names, leases, takers, members, records, numbers, and on Keys::kIdShard id;
//              ARGV node, node.id, lease, TTL, start of keys; 1 on the node's home shard; the lists
//              that it may claim: "expired" and handed over, "handed over", "none"; Redis' time as
//              it expects it, or "", and by how much it may differ; 1 if it has just come to life,
//              the node that it was before, or "", and the dead nodes whose lists it believes to
//              have taken here. Reply: {Redis' time; 1 if it was known; by how much the time is not
//              as expected; the node that went by its node.id and is replaced, or ""; {node,
//              node.id, reason, ...} of the dead whose lists it has taken; all nodes that are
//              alive, at home}. Error "FENCED replaced" also where a living node goes by its
//              node.id.
//   kReplace   Takes the list of the node that went by the same node.id. KEYS older's tombstone,
//              up, names, leases, takers; ARGV node, older, lease, TTL.
//              Reply: {node.id, reason}; {}: another is at it.
//   kLeave     A node's last words on one shard. KEYS up, names, leases, takers, members, records,
//              numbers, id; ARGV node; 1 on its home shard; 1 if names are left elsewhere.
//              Reply: 1 if something is left for the others here.
//
//   kWriteRecords  KEYS leases, records; ARGV node, lease, TTL, {id, data, ...}, data "": erased.
//              Reply: 1; 0: written, but Redis did not know this node.
//
//   kTakePage  A page of a dead node's list. KEYS takers, records; ARGV node, dead node, cursor,
//              count. Reply: {next cursor, {id, data, ...}}, or 0: another has taken it.
//   kEraseOrphans  KEYS takers, records; ARGV node, dead node, ids... Reply: 1, or 0 as above.
//   kCleanNames    Takes back a page of what a dead node said of names, on any shard. KEYS the dead
//              node's tombstone, up, names, members, numbers, and on Keys::kIdShard its id;
//              ARGV dead node, reason, TTL, start of keys, limit, 1 on its home shard.
//              Reply: 1 if more is left.
//   kFinishTakeOver  KEYS names, leases, takers, records; ARGV node, dead node.
//              Reply: 1: nothing is left of it; 0: records are, or another has taken it.

#pragma once

#include <string>

#include "backplane/redis/scripts.h"

namespace sockhook::backplane {

// The source of one of these.
std::string lease_script_source(Script script);

}  // namespace sockhook::backplane
