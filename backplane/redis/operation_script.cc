#include "backplane/redis/operation_script.h"

namespace sockhook::redis {

std::string operation_script() {
  return R"lua(
local stream, lock = KEYS[1], KEYS[2]
local holder, mode = ARGV[1], ARGV[2]
local group, consumer = 'sockhook', 'reader'

local next_outcome = 3
for i = 11, #ARGV, 3 do
  local entry, status = ARGV[i], ARGV[i + 1]
  local was_open = redis.call('XACK', stream, group, entry) == 1
  redis.call('XDEL', stream, entry)
  if status ~= '' then
    local outcomes = KEYS[next_outcome]
    next_outcome = next_outcome + 1
    if was_open then
      redis.call('XADD', outcomes, 'MAXLEN', '~', ARGV[9], '*',
                 'entry', entry, 'status', status, 'body', ARGV[i + 2])
      redis.call('PEXPIRE', outcomes, ARGV[10])
    end
  end
end

local held_by = redis.call('GET', lock)
if mode == 'leave' then
  if held_by == holder then redis.call('DEL', lock) end
  return {'left'}
end
if held_by and held_by ~= holder then return {'held', held_by, redis.call('PTTL', lock)} end
if not held_by and mode == 'read' then return {'lost'} end
redis.call('SET', lock, holder, 'PX', ARGV[3])

local entries, bytes, after = {}, 0, ARGV[5]
local left, max_bytes, max_op = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function take(id, fields)
  local kind, op, key, reply = 'none', '', '', ''
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'op' then kind, op = 'op', value
    elseif name == 'key' then key = value:sub(1, 1024)
    elseif name == 'reply' then reply = value:sub(1, 256) end
  end
  if #op > max_op then kind, op = 'large', '' end
  for _, text in ipairs({id, kind, op, key, reply}) do entries[#entries + 1] = text end
  bytes = bytes + #op + #key
end

while left > 0 and bytes < max_bytes do
  local got = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, after)
  if got and got.err then
    if not got.err:find('NOGROUP', 1, true) then return got end
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  else
    local entry = got and got[1] and got[1][2][1]
    if entry then
      if after ~= '>' then after = entry[1] end
      if entry[2] then take(entry[1], entry[2])
      else redis.call('XACK', stream, group, entry[1]) end  -- trimmed meanwhile
      left = left - 1
    elseif after == '>' then break
    else after = '>' end
  end
end

redis.call('PEXPIRE', stream, ARGV[4])
local now = redis.call('TIME')
return {'reading', redis.call('XLEN', stream), now[1] * 1000 + math.floor(now[2] / 1000), after,
        entries}
)lua";
}

}  // namespace sockhook::redis
