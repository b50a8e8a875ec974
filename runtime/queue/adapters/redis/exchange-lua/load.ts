import { STRIDE } from '../exchange-wire.js';
import { A, BLOCK, CHUNK, type Constants, E, MAIN, PHASE, S } from './layout.js';

/** The request, what there is one of in the partition, the time, and the tasks and agents that are mentioned. */
export const loadLua = (c: Constants): string => `
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack
local floor, str, byte = math.floor, tostring, string.byte
local prefix, request, now = KEYS[1], cjson.decode(ARGV[1]), tonumber(ARGV[2] or '')
local own, tasksKey, agentsKey = request.driver, prefix .. 't', prefix .. 'a'
local payloadsKey, payloads = prefix .. 'p', {}
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + floor(time[2] / 1000)
end

local S = call('GET', prefix .. 'm')
S = S and {unpacked(S)} or {${MAIN.fresh}}
-- Tasks and agents this request has to do with, false = there is none; outcomes of tasks; what has changed.
local T, A, D, changedT, changedA, events = {}, {}, {}, {}, {}, {}

local function changed(index, entry)
  if not entry[${E.changed}] then
    entry[${E.changed}] = true
    changedT[#changedT + 1] = index
  end
end

-- Sends a command with many arguments in pieces that Lua's stack can hold.
local function send(command, key, args)
  local count = #args
  if count <= ${CHUNK} then return call(command, key, unpack(args)) end
  local answers = {}
  for from = 1, count, ${CHUNK} do
    local got = call(command, key, unpack(args, from, math.min(from + ${CHUNK - 1}, count)))
    if type(got) == 'table' then
      for i = 1, #got do answers[#answers + 1] = got[i] end
    end
  end
  return answers
end

-- Tasks of these indices into T; the outcomes of those that are no longer there into D.
local function loadTasks(indices)
  local raws, blocks = send('HMGET', tasksKey, indices), nil
  for i = 1, #indices do
    local index, raw = indices[i], raws[i]
    if raw then
      T[index] = {false, unpacked(raw)}
    else
      T[index] = false
      blocks = blocks or {}
      local at = floor(index / ${c.partitions})
      local block = floor(at / ${BLOCK})
      at = at % ${BLOCK}
      local asked = blocks[block]
      if not asked then
        asked = {least = at, most = at}
        blocks[block] = asked
      elseif at < asked.least then
        asked.least = at
      elseif at > asked.most then
        asked.most = at
      end
      asked[#asked + 1] = index
      asked[#asked + 1] = at
    end
  end
  for block, asked in pairs(blocks or {}) do
    local first = floor(asked.least / 2)
    local bytes = call('GETRANGE', prefix .. 'f:' .. block, first, floor(asked.most / 2))
    if bytes ~= '' then
      for i = 1, #asked, 2 do
        local at = asked[i + 1]
        local both = byte(bytes, floor(at / 2) - first + 1) or 0
        D[asked[i]] = at % 2 == 0 and floor(both / 16) or both % 16
      end
    end
  end
end

-- Payloads of these tasks, where they have not been read yet.
local function loadPayloads(indices)
  local missing = {}
  for i = 1, #indices do
    local entry = T[indices[i]]
    if entry and not entry[${E.payload}] then missing[#missing + 1] = indices[i] end
  end
  if #missing == 0 then return end
  local raws = send('HMGET', payloadsKey, missing)
  for i = 1, #missing do T[missing[i]][${E.payload}] = raws[i] or '' end
end

local function keepAgent(id, raw)
  local agent = {0, unpacked(raw)}
  A[id] = agent
  if agent[${A.listed}] == 1 and agent[${A.limit}] > agent[${A.granted}] then
    agent[${A.open}] = agent[${A.limit}] - agent[${A.granted}]
  end
end

local function loadAgents(ids)
  local raws = send('HMGET', agentsKey, ids)
  for i = 1, #ids do
    if raws[i] then keepAgent(ids[i], raws[i]) else A[ids[i]] = false end
  end
end

-- Whether all agents are in A; whether one of them has not told yet where it stands (nil = not known); the open credit
-- without agents that are late (nil = not known).
local known = {all = false, unsynced = nil, open = nil}
local function loadAllAgents()
  if known.all then return end
  known.all = true
  local all = call('HGETALL', agentsKey)
  for i = 1, #all, 2 do
    if A[all[i]] == nil then keepAgent(all[i], all[i + 1]) end
  end
end

local function holds(entry, attemptId)
  return entry and entry[${E.phase}] == ${PHASE.leased} and entry[${E.attemptId}] == attemptId
end

-- ---- time and owner

if ${S.lastAt} > 0 and now - ${S.lastAt} > ${c.outageMs} then ${S.outage} = ${S.outage} + now - ${S.lastAt} end
if now > ${S.lastAt} then ${S.lastAt} = now end
-- Time during which the partition could take beats.
${S.present} = ${S.lastAt} - ${S.outage}
${S.ready} = ${S.waits0} + ${S.waits1} + ${S.waits2} + ${S.waits3}
${S.events}, ${S.given} = 0, 0

local same = ${S.owner} == request.owner
-- The owner may have come back empty, and a driver that knew nothing may have been the first to come.
if not same or request.epoch > ${S.epoch} or (request.epoch == ${S.epoch} and request.known ~= request.owner) then
  local emptied = ${S.epoch} == 0 or same
  ${S.owner}, ${S.epoch}, ${S.logged} = request.owner, math.max(${S.epoch}, request.epoch) + 1, 0
  if ${S.epoch} > 1 then
    -- Time during which nobody reaches the partition does not count: nobody can be heard in it.
    ${S.holdLeast} = ${S.present} + (emptied and ${c.holdEmptiedMs} or ${c.holdLeastMs})
    ${S.holdMost} = ${S.present} + (emptied and ${c.holdEmptiedMs} or ${c.holdMostMs})
    loadAllAgents()
    for id, agent in pairs(A) do
      agent[${A.beat}] = ${S.present}
      changedA[id] = true
    end
  end
end

local function holding()
  if ${S.present} >= ${S.holdMost} then return false end
  if ${S.present} < ${S.holdLeast} then return true end
  if known.unsynced == nil then
    loadAllAgents()
    known.unsynced = false
    for _, agent in pairs(A) do
      if agent and agent[${A.synced}] ~= ${S.epoch} then known.unsynced = true end
    end
  end
  return known.unsynced
end

local stale, again, lastFinished = false, false, nil
local last = call('HGET', prefix .. 'x', own)
if last then
  local seq
  seq, lastFinished = unpacked(last)
  stale, again = request.seq < seq, request.seq == seq
end

if not stale then
  local indices, ids = {}, {}
  local function mention(ops, stride)
    for i = 1, #ops, stride do
      local index = ops[i]
      if T[index] == nil then
        T[index] = false
        indices[#indices + 1] = index
      end
    end
  end
  if request.submit then mention(request.submit, ${STRIDE.submit}) end
  if request.began then mention(request.began, ${STRIDE.began}) end
  if request.done and not again then mention(request.done, ${STRIDE.done}) end
  if request.finish and not again then mention(request.finish, ${STRIDE.finish}) end
  if request.results then mention(request.results, ${STRIDE.finish}) end
  if request.release then mention(request.release, ${STRIDE.release}) end
  if request.states then mention(request.states, 1) end
  for i = 1, request.resync and #request.resync or 0 do mention(request.resync[i][5], ${STRIDE.held}) end
  if #indices > 0 then loadTasks(indices) end

  local function name(ops, stride)
    for i = 1, #ops, stride do
      local id = ops[i]
      if A[id] == nil then
        A[id] = false
        ids[#ids + 1] = id
      end
    end
  end
  if request.attach then name(request.attach, ${STRIDE.attach}) end
  for i = 1, request.resync and #request.resync or 0 do name({request.resync[i][1]}, 1) end
  if request.credit then name(request.credit, ${STRIDE.credit}) end
  if request.beat then name(request.beat, 1) end
  if request.revoke then name(request.revoke, 1) end
  if request.detach then name(request.detach, 1) end
  if #ids > 0 and not known.all then loadAgents(ids) end
end
`;
