// The Lua script by which an OperationStream looks after the stream: one atomic step.
//
//   KEYS  stream, lock, then the outcome stream of each finished operation that has an outcome
//   ARGV  1 the node                 2 "read", "join" (as "read", by who has no lock yet) or
//   "leave"
//         3 lease (ms)              4 life of the stream (ms)
//         5 where reading goes on: an entry's id, or ">" once all that was pending is read
//         6 how many entries        7 about how many bytes of them      8 the longest `op`
//         9 length of an outcome stream     10 its life (ms)
//         11... entry, status ("": no outcome), body of each finished operation
//
// First, what is finished is acknowledged and removed, whoever reads by now; its outcome is added
// if nobody has acknowledged it before. Then, by the holder of the lock only:
//   {"reading", entries in the stream, Redis' clock (ms), where to go on, entries}, each entry
//   being five texts: id, kind, op, key, reply; kind "op", "none" (no such field) or "large"
//   (without it)
// or {"held", who holds the lock, for how long (ms)}, {"lost"}: a "read" without the lock,
// {"left"}.

#pragma once

#include <string>

namespace sockhook::redis {

std::string operation_script();

}  // namespace sockhook::redis
