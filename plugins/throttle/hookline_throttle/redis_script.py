"""The script that counts in Redis, by the clock of Redis, so that the processes need not agree on the time.

A key of a throttle has three keys in Redis: a hash (`tat`, the theoretical arrival time of the next request, in microseconds;
`before`, what it was before the last admission; `held`, until when the server wants no request; `ticket`, a counter; and for each
process that waits, `d:PROCESS`, until when it has to come back), a sorted set of slots with the ends of their leases, and a
sorted set of the processes that wait, by their tickets.

The first process of the queue is the next to be admitted. After that it gets a new ticket, if more of its requests wait, so that
the processes take turns however many requests each has. A process that does not come back in time loses its ticket. When a slot
becomes free, the first process finds a message in its mailbox, a list on which it blocks. So nobody asks again and again, and
each waiting process asks about once for each request that it sends.
"""

from __future__ import annotations

GRACE_SECONDS = 0.5  # by which a process may come back late, without losing its place
PATIENCE_SECONDS = 1.0  # after which one that waits for a slot asks again, even without a message

# KEYS: the hash. ARGV: operation, process, "interval tolerance concurrency lease", slot ("" = that of another is borrowed); then
# for `enter` and `leave` pairs of slots that are over and, if nothing was sent, the `tat` of their admission, and for `renew`
# slots. All times are microseconds. It returns "granted wait tat". (Few arguments and one text, because each of them takes the
# package redis a microsecond.)
SCRIPT = """
local state, slots, queue = KEYS[1], KEYS[1] .. ':s', KEYS[1] .. ':q'
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local operation, process, slot = ARGV[1], ARGV[2], ARGV[4]
local interval, tolerance, concurrency, lease = string.match(ARGV[3], '(%d+) (%d+) (%d+) (%d+)')
interval, tolerance, concurrency, lease = tonumber(interval), tonumber(tolerance), tonumber(concurrency), tonumber(lease)
local borrows = slot == ''
local stored = redis.call('HMGET', state, 'tat', 'held', 'before')
local tat, held = tonumber(stored[1] or 0), tonumber(stored[2] or 0)

local function text(number) return string.format('%.0f', number) end

local function keep()
  local ms = text((math.max(tat, held, now) - now + lease) / 1000 + 60000)
  redis.call('PEXPIRE', state, ms)
  if concurrency > 0 then redis.call('PEXPIRE', slots, ms) end
end

local function first() return redis.call('ZRANGE', queue, 0, 0)[1] end

local function drop(other)
  redis.call('ZREM', queue, other)
  redis.call('HDEL', state, 'd:' .. other)
end

local function wake()
  local other = first()
  if other then
    local box = state .. ':m:' .. other
    redis.call('RPUSH', box, '1')
    redis.call('LTRIM', box, 0, 0)
    redis.call('PEXPIRE', box, 5000)
  end
end

if operation == 'hold' then
  held = math.max(held, now + interval)
  redis.call('HSET', state, 'held', text(held))
  keep()
  return '1 0'
end
if operation == 'renew' then
  for at = 5, #ARGV do redis.call('ZADD', slots, 'XX', text(now + lease), ARGV[at]) end
  keep()
  return '1 0'
end
if operation == 'quit' then
  drop(process)
  wake()
end

local freed = false
for at = 5, #ARGV, 2 do
  if redis.call('ZREM', slots, ARGV[at]) == 1 then freed = true end
  if ARGV[at + 1] ~= '' and ARGV[at + 1] == stored[1] and stored[3] then
    tat, freed = tonumber(stored[3]), true
    redis.call('HSET', state, 'tat', stored[3])
    redis.call('HDEL', state, 'before')
  end
end
if operation ~= 'enter' then
  if freed then wake() end
  return '1 0'
end

if concurrency > 0 then redis.call('ZREMRANGEBYSCORE', slots, '-inf', text(now)) end
local head = first()
while head and head ~= process and now > tonumber(redis.call('HGET', state, 'd:' .. head) or 0) do
  drop(head)
  head = first()
end
local due = math.max(tat - tolerance, held)
local is_full = concurrency > 0 and not borrows and redis.call('ZCARD', slots) >= concurrency

if due <= now and not is_full and (borrows or not head or head == process) then
  local before = tat
  tat = math.max(tat, now) + interval
  redis.call('HSET', state, 'tat', text(tat), 'before', text(before))
  if concurrency > 0 and not borrows then redis.call('ZADD', slots, text(now + lease), slot) end
  if head and not borrows then drop(process) end
  if head and tat - tolerance <= now and (concurrency == 0 or redis.call('ZCARD', slots) < concurrency) then wake() end
  keep()
  return '1 0 ' .. text(tat)
end

local wait = math.max(due - now, 0)
if not borrows then
  if not redis.call('ZSCORE', queue, process) then
    redis.call('ZADD', queue, redis.call('HINCRBY', state, 'ticket', 1), process)
  end
  local rank = redis.call('ZRANK', queue, process)
  if is_full then
    local ending = redis.call('ZRANGE', slots, 0, 0, 'WITHSCORES')[2]
    wait = math.max(wait, math.min(PATIENCE, tonumber(ending) - now))
  else
    wait = wait + rank * math.max(interval, 1000)
    if freed and rank > 0 then wake() end
  end
  wait = math.min(math.max(wait, 1000), 60000000)
  redis.call('HSET', state, 'd:' .. process, text(now + wait + GRACE))
  redis.call('PEXPIRE', queue, text((wait + lease) / 1000 + 60000))
end
keep()
return '0 ' .. text(wait)
""".replace("PATIENCE", f"{PATIENCE_SECONDS * 1e6:.0f}").replace("GRACE", f"{GRACE_SECONDS * 1e6:.0f}")
