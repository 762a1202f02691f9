#include "backplane/redis/lease_scripts.h"

#include "protocol/base/check.h"

namespace sockhook::backplane {
namespace {

// take(dead, ...): from now on nothing that `dead` writes has any effect, and its list is `taker`'s
// for a lease.
constexpr char kTake[] = R"(
local function take(tombstone, up, leases, takers, dead, reason, taker, lease_end, ttl)
  redis.call('SET', tombstone, reason, 'PX', ttl, 'NX')
  redis.call('ZREM', up, dead)
  redis.call('HSET', takers, dead, taker)
  redis.call('ZADD', leases, lease_end, dead)
  redis.call('PEXPIRE', takers, ttl)
  redis.call('PEXPIRE', leases, ttl)
end
)";

// ---- leases

constexpr char kBeatNames[] = R"(
local _, up, names, leases, takers, members, records, numbers, id = unpack(KEYS)
local node, name, ttl, start = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local is_home, claims = ARGV[6] == '1', ARGV[7]
local is_new, former = ARGV[10] == '1', ARGV[11]
local time = now()
local lease_end = time + ARGV[3]
)";

// A newcomer replaces whoever goes by its name. One that only comes back, after a loss of link or
// data or in its next life, gives way to one that is alive.
constexpr char kBeatId[] = R"(
local older = ''
if id then
  local holder = redis.call('GET', id)
  if holder and holder ~= node then
    local lease = redis.call('ZSCORE', up, holder)
    local is_alive = lease and tonumber(lease) > time
    if is_alive and not is_new and holder ~= former then
      return redis.error_reply('FENCED replaced')
    end
    older = holder
  end
  redis.call('SET', id, node, 'PX', ttl)
end
)";

// After a jump of the clock nobody is expired; leases that it put into the future are cut.
constexpr char kBeatClock[] = R"(
local skew = 0
if ARGV[8] ~= '' then skew = time - ARGV[8] end
local tolerance = tonumber(ARGV[9])
local has_jumped = skew > tolerance or skew < -tolerance
if skew < -tolerance then
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', leases, '(' .. lease_end, '+inf')) do
    redis.call('ZADD', leases, lease_end, other)
  end
end
)";

constexpr char kBeatRegister[] = R"(
local was_known = redis.call('ZADD', up, lease_end, node) == 0
redis.call('HSET', names, node, name)
if is_home then redis.call('ZADD', leases, lease_end, node) end
for _, key in ipairs({up, names, leases, members, records}) do redis.call('PEXPIRE', key, ttl) end
redis.call('PEXPIRE', numbers, NUMBERS_TTL)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', up, '-inf', time - ttl, 'LIMIT', 0, 100)) do
  redis.call('ZREM', up, gone)
  redis.call('HDEL', names, gone)
end
)";

// What this node believes to have taken, and Redis knows of nobody who has, was forgotten in a
// failover: taken again, for it must not come to life again. Whatever Redis says is this node's is.
constexpr char kBeatClaim[] = R"(
local function claim(dead)
  take(start .. 'dead:' .. dead, up, leases, takers, dead, 'lost', node, lease_end, ttl)
end
for i = 12, #ARGV do
  if redis.call('HEXISTS', takers, ARGV[i]) == 0 then claim(ARGV[i]) end
end
local expired = 0
if claims == 'expired' and not has_jumped then expired = time end
local free = redis.call('ZRANGEBYSCORE', leases, '-inf', expired, 'LIMIT', 0, CLAIMS)
if claims == 'none' then free = {} end
for _, dead in ipairs(free) do claim(dead) end
local taken = {}
local all = redis.call('HGETALL', takers)
for i = 1, #all, 2 do
  if all[i + 1] == node then
    redis.call('ZADD', leases, lease_end, all[i])
    taken[#taken + 1] = all[i]
    taken[#taken + 1] = redis.call('HGET', names, all[i]) or ''
    taken[#taken + 1] = redis.call('GET', start .. 'dead:' .. all[i]) or 'lost'
  end
end
redis.call('PEXPIRE', leases, ttl)
redis.call('PEXPIRE', takers, ttl)
)";

constexpr char kBeatReply[] = R"(
local alive = {}
if is_home then alive = redis.call('ZRANGEBYSCORE', up, '(' .. time, '+inf') end
return {time, was_known and 1 or 0, skew, older, taken, alive}
)";

constexpr char kReplace[] = R"(
local _, tombstone, up, names, leases, takers = unpack(KEYS)
local node, older, ttl = ARGV[1], ARGV[2], ARGV[4]
local time = now()
if redis.call('EXISTS', tombstone) == 1 then
  local lease = redis.call('ZSCORE', leases, older)
  if not lease or tonumber(lease) > time then return {} end
end
take(tombstone, up, leases, takers, older, 'replaced', node, time + ARGV[3], ttl)
return {redis.call('HGET', names, older) or '', redis.call('GET', tombstone)}
)";

// Lists that it has taken are handed over too.
constexpr char kLeave[] = R"(
local _, up, names, leases, takers, members, records, numbers, id = unpack(KEYS)
local node, is_home = ARGV[1], ARGV[2] == '1'
redis.call('ZREM', up, node)
redis.call('DEL', numbers)
local taken = redis.call('HGETALL', takers)
for i = 1, #taken, 2 do
  if taken[i + 1] == node then
    redis.call('ZADD', leases, 'XX', 0, taken[i])
    redis.call('HDEL', takers, taken[i])
  end
end
if id and redis.call('GET', id) == node then redis.call('DEL', id) end
local is_left = redis.call('EXISTS', members, records) > 0
if is_home and (is_left or ARGV[3] == '1') then
  redis.call('ZADD', leases, 'XX', 0, node)
  return 1
end
redis.call('HDEL', names, node)
if is_home then redis.call('ZREM', leases, node) end
return is_left and 1 or 0
)";

// ---- records

constexpr char kWriteRecords[] = R"(
local node, ttl = ARGV[1], ARGV[3]
local is_new = redis.call('ZADD', KEYS[2], 'NX', now() + ARGV[2], node)
if is_new == 1 then redis.call('PEXPIRE', KEYS[2], ttl) end
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[3], ARGV[i])
  else
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[3], ttl)
return 1 - is_new
)";

// ---- take-overs

constexpr char kOnlyTaker[] = R"(
local takers = TAKERS
if redis.call('HGET', takers, ARGV[2]) ~= ARGV[1] then return 0 end
)";

constexpr char kTakePage[] = R"(
return redis.call('HSCAN', KEYS[3], ARGV[3], 'COUNT', ARGV[4])
)";

constexpr char kEraseOrphans[] = R"(
for i = 3, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
return 1
)";

// Its node.id stays at home until all is done: the next taker needs it if this one dies.
constexpr char kCleanNames[] = R"(
local _, tombstone, up, names, members, numbers, id = unpack(KEYS)
local dead, start, limit = ARGV[1], ARGV[4], tonumber(ARGV[5])
redis.call('SET', tombstone, ARGV[2], 'PX', ARGV[3], 'NX')
redis.call('ZREM', up, dead)
redis.call('DEL', numbers)
if ARGV[6] ~= '1' then redis.call('HDEL', names, dead) end
if id and redis.call('GET', id) == dead then redis.call('DEL', id) end
local page = redis.call('ZRANGE', members, 0, limit - 1)
for _, member in ipairs(page) do redis.call('HDEL', start .. member, dead) end
redis.call('ZREMRANGEBYRANK', members, 0, limit - 1)
return redis.call('EXISTS', members)
)";

constexpr char kFinishTakeOver[] = R"(
if redis.call('EXISTS', KEYS[5]) == 1 then return 0 end
redis.call('HDEL', takers, ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2])
return 1
)";

std::string with(std::string source, std::string_view place, const std::string& value) {
  return source.replace(source.find(place), place.size(), value);
}

// `takers`: its key.
std::string only_taker(const char* takers) { return with(kOnlyTaker, "TAKERS", takers); }

std::string beat() {
  const std::string registers = with(kBeatRegister, "NUMBERS_TTL", std::to_string(kNumbersTtlMs));
  const std::string claims = with(kBeatClaim, "CLAIMS", std::to_string(kMaxClaims));
  return now_function() + kTake + kBeatNames + kBeatId + kBeatClock + registers + claims +
         kBeatReply;
}

}  // namespace

std::string lease_script_source(Script script) {
  switch (script) {
    case Script::kBeat:
      return fence_check() + beat();
    case Script::kReplace:
      return fence_check() + now_function() + kTake + kReplace;
    case Script::kLeave:
      return fence_check() + kLeave;
    case Script::kWriteRecords:
      return fence_check() + now_function() + kWriteRecords;
    case Script::kTakePage:
      return fence_check() + only_taker("KEYS[2]") + kTakePage;
    case Script::kEraseOrphans:
      return fence_check() + only_taker("KEYS[2]") + kEraseOrphans;
    case Script::kCleanNames:
      return fence_check() + kCleanNames;
    case Script::kFinishTakeOver:
      return fence_check() + only_taker("KEYS[4]") + kFinishTakeOver;
    default:
      break;
  }
  SOCKHOOK_CHECK(false);
}

}  // namespace sockhook::backplane
