import { A, BLOCK, type Constants, E_STORED, LOG_MOST, MAIN, S } from './layout.js';

const values = (record: string, stored: number): string =>
  Array.from({ length: stored }, (_, i) => `${record}[${i + 2}]`).join(', ');

/** Writes what has changed; an error before leaves everything as it was. */
export const writeLua = (c: Constants): string => `
local texts, told = {cjson.encode(reply)}, nil
-- Whoever they are for need not be read by whoever asked.
for i = 1, #given do texts[2 * i], texts[2 * i + 1] = given[i], cjson.encode(given[given[i]]) end
if #events > 0 then
  told = cjson.encode(events)
  ${S.logged} = ${S.logged} + 1
end

-- First a command that Redis refuses when its memory is full: it refuses none within a script that has written.
call('SET', prefix .. 'm', pack(unpack(S, 1, ${MAIN.stored})))
if not stale then call('HSET', prefix .. 'x', own, pack(request.seq, finished, now)) end
if #forgotten > 0 then send('HDEL', prefix .. 'x', forgotten) end

if #changedT > 0 then
  local sets, gone, blocks = {}, {}, {}
  for i = 1, #changedT do
    local index = changedT[i]
    local entry = T[index]
    if entry then
      local n = #sets
      sets[n + 1], sets[n + 2] = index, pack(${values('entry', E_STORED)})
    else
      gone[#gone + 1] = index
      local at = floor(index / ${c.partitions})
      local block = floor(at / ${BLOCK})
      local args = blocks[block]
      if not args then
        args = {}
        blocks[block] = args
      end
      local n = #args
      args[n + 1], args[n + 2], args[n + 3], args[n + 4] = 'SET', 'u4', '#' .. (at % ${BLOCK}), D[index] == ${c.completed} and '${c.completed}' or str(D[index])
    end
  end
  if #sets > 0 then send('HSET', tasksKey, sets) end
  if #payloads > 0 then send('HSET', payloadsKey, payloads) end
  if #gone > 0 then
    send('HDEL', tasksKey, gone)
    send('HDEL', payloadsKey, gone)
  end
  for block, args in pairs(blocks) do send('BITFIELD', prefix .. 'f:' .. block, args) end
end

local function from(values, first)
  if first == 1 then return values end
  local rest = {}
  for i = first, #values do rest[#rest + 1] = values[i] end
  return rest
end

for priority, count in pairs(taken) do
  if count > 0 then call('LTRIM', prefix .. 'r' .. priority, count, '-1') end
end
for priority, indices in pairs(left) do
  for index in pairs(indices) do call('LREM', prefix .. 'r' .. priority, '1', index) end
end
for priority, indices in pairs(fronts) do
  if #indices > 0 then send('LPUSH', prefix .. 'r' .. priority, indices) end
end
for priority, indices in pairs(backs) do
  local rest = from(indices, indices.first or 1)
  if #rest > 0 then send('RPUSH', prefix .. 'r' .. priority, rest) end
end

if next(delays) then
  local due, over = {}, {}
  for index, at in pairs(delays) do
    if at then
      due[#due + 1], due[#due + 2] = string.format('%.17g', at), index
    else
      over[#over + 1] = index
    end
  end
  if #due > 0 then send('ZADD', prefix .. 'd', due) end
  if #over > 0 then send('ZREM', prefix .. 'd', over) end
end

if next(changedA) then
  local kept, gone = {}, {}
  for id in pairs(changedA) do
    local agent = A[id]
    if agent then
      if agent[${A.listed}] == 2 then agent[${A.listed}] = 1 end
      local n = #kept
      kept[n + 1], kept[n + 2] = id, pack(${values('agent', Object.keys(A).length - 1)})
    else
      gone[#gone + 1] = id
    end
  end
  if #kept > 0 then send('HSET', agentsKey, kept) end
  if #gone > 0 then send('HDEL', agentsKey, gone) end
end
if line.taken > 0 then call('LTRIM', prefix .. 'w', line.taken, '-1') end
for id in pairs(line.left or {}) do call('LREM', prefix .. 'w', '1', id) end
local joined = from(line.joined, line.first)
if #joined > 0 then send('RPUSH', prefix .. 'w', joined) end

if told then
  call('XADD', prefix .. 'log:' .. ${S.epoch}, 'MAXLEN', '~', '${LOG_MOST}', '*', 'e', told, 'n', ${S.logged})
end
return texts
`;
