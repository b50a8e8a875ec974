/** The server's time, ms, and how many replicas are connected to it. */
const LOOK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replicas = tonumber(string.match(redis.call('INFO', 'replication'), 'connected_slaves:(%d+)') or '0')
`;

/**
 * KEYS: the note. ARGV: its text, the term of the writer's leadership or nothing. Answers whether it was written, and
 * the number of replicas.
 */
export const WRITE_NOTE = `${LOOK}
local term = redis.call('HGET', KEYS[1], 'term')
if ARGV[2] ~= '' then
  if term and tonumber(ARGV[2]) < tonumber(term) then return {0, replicas} end
  redis.call('HSET', KEYS[1], 'term', ARGV[2])
end
redis.call('HSET', KEYS[1], 'note', ARGV[1], 'at', string.format('%.0f', now))
return {1, replicas}
`;

/** KEYS: the note. Answers its text and its age in ms, or nothing. */
export const READ_NOTE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'note', 'at')
if not found[1] then return false end
return {found[1], string.format('%.0f', now - found[2])}
`;

/**
 * KEYS: the stream, the latest of each writer. ARGV: the writer, how many entries to keep about, and for each entry its
 * number and its text. An entry that is there already is not appended again. It writes in any case, so that WAIT has
 * something to wait for. Answers 1 and the number of replicas.
 */
export const APPEND = `${LOOK}
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
for i = 3, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  if number > last then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'w', ARGV[1], 'n', ARGV[i], 'v', ARGV[i + 1])
    last = number
  end
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', last))
return {1, replicas}
`;
