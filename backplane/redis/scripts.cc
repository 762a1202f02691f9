#include "backplane/redis/scripts.h"

#include "backplane/redis/lease_scripts.h"
#include "protocol/base/check.h"

namespace sockhook::backplane {
namespace {

// UP: the key's place. After a loss of data others may be as unknown as the asker: neither "gone"
// nor "nobody" would be true.
constexpr char kKnownCheck[] = R"(
if not redis.call('ZSCORE', KEYS[UP], ARGV[1]) then return redis.error_reply('FORGOTTEN this node') end
)";

// ---- messages

// deliver(node): publishes to one node that has an entry in `up`, and notes it in `out`. False:
// there is no such entry. A number that nobody heard is given back, so that it leaves no gap.
constexpr char kDeliver[] = R"(
local out = {}
local function deliver(node)
  local lease = redis.call('ZSCORE', KEYS[2], node)
  if not lease then return false end
  local number = redis.call('HINCRBY', KEYS[3], node, 1)
  if number == 1 then redis.call('PEXPIRE', KEYS[3], NUMBERS_TTL) end
  local message = ARGV[1] .. string.format('%.0f', number) .. ARGV[4] .. ARGV[5]
  if redis.call(ARGV[2], ARGV[3] .. node, message) == 0 then
    redis.call('HINCRBY', KEYS[3], node, -1)
    if tonumber(lease) <= now() then return true end
    number = 0
  end
  out[#out + 1] = node
  out[#out + 1] = number
  return true
end
)";

constexpr char kSend[] = R"(
deliver(ARGV[6])
return out
)";

// A node of which `up` knows nothing was cleaned away, or Redis came back without it: what it has
// to say of the name, it will say again.
constexpr char kSendName[] = R"(
for _, node in ipairs(redis.call('HKEYS', KEYS[4])) do
  if node ~= ARGV[1] and not deliver(node) then redis.call('HDEL', KEYS[4], node) end
end
return out
)";

constexpr char kSendAll[] = R"(
for _, node in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if node ~= ARGV[1] then deliver(node) end
end
return out
)";

constexpr char kIsUp[] = R"(
local lease = redis.call('ZSCORE', KEYS[1], ARGV[2])
return lease and tonumber(lease) > now() and 1 or 0
)";

// ---- names

constexpr char kSetNames[] = R"(
local node = ARGV[1]
for i = 3, #KEYS do
  local value = ARGV[i + 3]
  local member = string.sub(KEYS[i], ARGV[5])
  if value == '' then
    redis.call('HDEL', KEYS[i], node)
    redis.call('ZREM', KEYS[2], member)
  else
    redis.call('HSET', KEYS[i], node, value)
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
    redis.call('ZADD', KEYS[2], ARGV[4], member)
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return redis.status_reply('OK')
)";

constexpr char kLookup[] = R"(
local time, out = now(), {}
local presences = redis.call('HGETALL', KEYS[2])
for i = 1, #presences, 2 do
  local lease = presences[i] ~= ARGV[1] and redis.call('ZSCORE', KEYS[1], presences[i])
  if lease and tonumber(lease) > time then
    out[#out + 1] = presences[i]
    out[#out + 1] = presences[i + 1]
  end
end
return out
)";

// Also forgets how many messages went to nodes that are no more.
constexpr char kRefreshNames[] = R"(
local first = tonumber(ARGV[5])
local page = redis.call('ZRANGE', KEYS[2], first, first + ARGV[6] - 1)
local missing = 0
for _, member in ipairs(page) do
  if redis.call('HEXISTS', ARGV[4] .. member, ARGV[1]) == 1 then
    redis.call('PEXPIRE', ARGV[4] .. member, ARGV[2])
  else
    missing = missing + 1
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if first == 0 then
  for _, node in ipairs(redis.call('HKEYS', KEYS[4])) do
    if not redis.call('ZSCORE', KEYS[3], node) then redis.call('HDEL', KEYS[4], node) end
  end
end
return {#page, missing}
)";

constexpr char kSweepNames[] = R"(
local page = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[4])
for _, member in ipairs(page) do
  redis.call('HDEL', ARGV[3] .. member, ARGV[1])
  redis.call('ZREM', KEYS[2], member)
end
return #page
)";

// ---- claims

// One that runs is given to whoever asks when its node is dead, or is the asker itself, which
// knows that it does not run it.
constexpr char kClaim[] = R"(
local known = redis.call('HMGET', KEYS[2], 'request', 'node', 'status', 'body')
if known[1] and known[1] ~= ARGV[2] then return {2} end
if known[3] then return {1, known[3], known[4]} end
if known[1] and known[2] ~= ARGV[1] then
  local lease = redis.call('ZSCORE', KEYS[3], known[2])
  if lease and tonumber(lease) > now() then return {3} end
end
redis.call('HSET', KEYS[2], 'request', ARGV[2], 'node', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {0}
)";

constexpr char kSettle[] = R"(
local owner = redis.call('HGET', KEYS[2], 'node')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'request', ARGV[3], 'node', ARGV[1], 'status', ARGV[4],
           'body', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
)";

constexpr char kAbandon[] = R"(
if redis.call('HGET', KEYS[2], 'node') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[2])
)";

std::string known_check(char place_of_up) {
  std::string source = kKnownCheck;
  constexpr std::string_view kPlace = "UP";
  return source.replace(source.find(kPlace), kPlace.size(), 1, place_of_up);
}

std::string deliver() {
  std::string source = known_check('2') + now_function() + kDeliver;
  constexpr std::string_view kPlace = "NUMBERS_TTL";
  return source.replace(source.find(kPlace), kPlace.size(), std::to_string(kNumbersTtlMs));
}

}  // namespace

const std::string& fence_check() {
  static const std::string kSource = R"(
local tombstone = redis.call('GET', KEYS[1])
if tombstone then return redis.error_reply('FENCED ' .. tombstone) end
)";
  return kSource;
}

const std::string& now_function() {
  static const std::string kSource = R"(
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
)";
  return kSource;
}

std::string script_source(Script script) {
  switch (script) {
    case Script::kSend:
      return fence_check() + deliver() + kSend;
    case Script::kSendName:
      return fence_check() + deliver() + kSendName;
    case Script::kSendAll:
      return fence_check() + deliver() + kSendAll;
    case Script::kIsUp:
      return known_check('1') + now_function() + kIsUp;
    case Script::kSetNames:
      return fence_check() + kSetNames;
    case Script::kLookup:
      return known_check('1') + now_function() + kLookup;
    case Script::kRefreshNames:
      return fence_check() + kRefreshNames;
    case Script::kSweepNames:
      return fence_check() + kSweepNames;
    case Script::kClaim:
      return fence_check() + now_function() + kClaim;
    case Script::kSettle:
      return fence_check() + kSettle;
    case Script::kAbandon:
      return fence_check() + kAbandon;
    case Script::kBeat:
    case Script::kReplace:
    case Script::kLeave:
    case Script::kWriteRecords:
    case Script::kTakePage:
    case Script::kEraseOrphans:
    case Script::kCleanNames:
    case Script::kFinishTakeOver:
      return lease_script_source(script);
    case Script::kCount:
      break;
  }
  SOCKHOOK_CHECK(false);
}

std::vector<std::string> script_sources() {
  std::vector<std::string> sources;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Script::kCount); ++i) {
    sources.push_back(script_source(static_cast<Script>(i)));
  }
  return sources;
}

}  // namespace sockhook::backplane
