import { STRIDE } from '../exchange-wire.js';
import { A, type Constants, E, MAIN, PHASE, S } from './layout.js';

/** What most requests do not need: its functions are made when the first of them is asked for. */
export const rareLua = (c: Constants): string => `
local rare = nil
local revoked, replaced = {}, {}
rarely = function()
  if rare then return rare end
  rare = {}

  -- Lua's own comparison goes by the server's locale.
  function rare.before(a, b)
    for i = 1, math.min(#a, #b) do
      local x, y = byte(a, i), byte(b, i)
      if x ~= y then return x < y end
    end
    return #a < #b
  end

  function rare.byNumber(a, b) return tonumber(a) < tonumber(b) end

  function rare.exactOpen()
    if known.open == nil then
      loadAllAgents()
      known.open, ${S.oldestBeat} = 0, math.huge
      for _, agent in pairs(A) do
        if agent and agent[${A.open}] > 0 then
          ${S.oldestBeat} = math.min(${S.oldestBeat}, agent[${A.beat}])
          if ${S.present} - agent[${A.beat}] <= ${c.suspectMs} then known.open = known.open + agent[${A.open}] end
        end
      end
    end
    return known.open
  end

  -- Leased tasks by agent; made when it is first asked for, and kept up from then on.
  local function heldBy(id)
    local holders = known.holders
    if not holders then
      holders = {}
      known.holders = holders
      local all = call('HGETALL', tasksKey)
      for i = 1, #all, 2 do
        local index, raw = all[i], all[i + 1]
        if T[index] == nil and byte(raw) == ${PHASE.leased} then T[index] = {false, unpacked(raw)} end
      end
      for index, entry in pairs(T) do
        if entry and entry[${E.phase}] == ${PHASE.leased} then
          local agent = entry[${E.agent}]
          holders[agent] = holders[agent] or {}
          holders[agent][index] = true
        end
      end
    end
    local indices = {}
    for index in pairs(holders[id] or {}) do indices[#indices + 1] = index end
    table.sort(indices, rare.byNumber)
    return indices
  end

  function rare.setAgent(index, entry, agent)
    local holders = known.holders
    if holders then
      local before = holders[entry[${E.agent}]]
      if before then before[index] = nil end
      if agent ~= '' then
        holders[agent] = holders[agent] or {}
        holders[agent][index] = true
      end
    end
    entry[${E.agent}] = agent
  end

  function rare.removeFrom(values, value)
    for i = 1, #values do
      if values[i] == value then
        table.remove(values, i)
        return true
      end
    end
    return false
  end

  -- Takes a task out of where it waits.
  local function leave(index, entry)
    if entry[${E.phase}] == ${PHASE.delayed} then
      delays[index] = false
      ${S.delayed} = ${S.delayed} - 1
    elseif entry[${E.phase}] == ${PHASE.queued} then
      local priority = tonumber(entry[${E.priority}])
      local place = priority + ${MAIN.beforeWaits + 1}
      S[place] = S[place] - 1
      ${S.ready} = ${S.ready} - 1
      if rare.removeFrom(fronts[priority] or {}, index) or rare.removeFrom(backs[priority] or {}, index) then return end
      left[priority] = left[priority] or {}
      left[priority][index] = true
    end
  end

  -- An agent's word that it is running a task. False when the task is no longer its own.
  function rare.assertHeld(index, attemptId, attempt, generation, startedAt, agent, priority, kind, scheduledAt, payload)
    local entry = T[index]
    if not entry then
      if (D[index] or 0) ~= 0 then return false end
      entry = {false, ${PHASE.none}, 0, '', 0, 0, '', '', 0, priority, kind, scheduledAt, payload}
      T[index] = entry
      if payload ~= '' then payloads[#payloads + 1], payloads[#payloads + 2] = index, payload end
      ${S.submitted} = ${S.submitted} + 1
      events[#events + 1] = {'submitted', index, '', startedAt, priority, kind, scheduledAt}
    else
      if holds(entry, attemptId) then return true end
      if entry[${E.generation}] >= generation then return false end
      leave(index, entry)
    end
    if entry[${E.phase}] ~= ${PHASE.leased} then ${S.leased} = ${S.leased} + 1 end
    rare.setAgent(index, entry, agent)
    entry[${E.phase}], entry[${E.attempts}], entry[${E.attemptId}] = ${PHASE.leased}, attempt, attemptId
    entry[${E.generation}], entry[${E.startedAt}] = generation, ''
    changed(index, entry)
    if startedAt ~= '' then start(index, entry, startedAt) end
    return true
  end

  -- A result from a journal. What had ended a task ends it again, whoever has it by now.
  function rare.resend(ops, at)
    local index, attemptId = ops[at], ops[at + 1]
    local entry = T[index]
    if not entry and (D[index] or 0) ~= 0 then return end
    if entry and not holds(entry, attemptId) and entry[${E.generation}] >= ops[at + 3] then
      if ops[at + 10] == 0 then return end
      rare.assertHeld(
        index, attemptId, tonumber(ops[at + 2]), entry[${E.generation}] + 1, ops[at + 9], ops[at + 4], ops[at + 12],
        ops[at + 13], ops[at + 14], ops[at + 15]
      )
    end
    finish(ops, at)
  end

  function rare.takeBack(index, entry, reason)
    local attempts = entry[${E.attempts}]
    local dead = reason == 'expired' and attempts >= ${c.maxAttempts}
    events[#events + 1] = {
      'requeued', index, entry[${E.attemptId}], str(attempts), entry[${E.agent}], reason, dead and '1' or '0', str(now),
      entry[${E.priority}], entry[${E.type}], entry[${E.scheduledAt}],
    }
    if reason == 'expired' then ${S.expired} = ${S.expired} + 1 end
    if dead then
      finishTask(index, entry, ${c.failed})
      return
    end
    unlease(index, entry, ${PHASE.queued}, reason == 'expired' and attempts or attempts - 1)
    -- It has waited longer than anything of its priority.
    local priority = tonumber(entry[${E.priority}])
    local front, place = fronts[priority], priority + ${MAIN.beforeWaits + 1}
    if front then front[#front + 1] = index else fronts[priority] = {index} end
    S[place] = S[place] + 1
    ${S.ready} = ${S.ready} + 1
  end

  -- ---- agents that come and go

  function rare.takeAllBack(id, reason)
    local indices = heldBy(id)
    for i = 1, #indices do rare.takeBack(indices[i], T[indices[i]], reason) end
    local agent = A[id]
    if agent[${A.listed}] ~= 0 then
      ${S.waiting} = ${S.waiting} - 1
      if agent[${A.listed}] == 2 then
        rare.removeFrom(line.joined, id)
      else
        line.left = line.left or {}
        line.left[id] = true
      end
    end
    ${S.open} = ${S.open} - agent[${A.open}]
    A[id], changedA[id], known.open, known.unsynced = false, true, nil, nil
    return #indices
  end

  function rare.attach(id, incarnation, zone)
    local agent = A[id]
    if agent and agent[${A.incarnation}] > incarnation then
      replaced[#replaced + 1] = id
      return false
    end
    if agent and agent[${A.incarnation}] < incarnation then
      rare.takeAllBack(id, 'expired')
      agent = false
    end
    if not agent then
      agent = {0, incarnation, '', zone, 0, 0, 0, 0, 0}
      A[id] = agent
    end
    agent[${A.driver}], agent[${A.beat}], agent[${A.synced}] = own, ${S.present}, ${S.epoch}
    adjust(id, agent)
    return true
  end

  function rare.resync(id, incarnation, zone, free, held)
    if not rare.attach(id, incarnation, zone) then
      for i = 1, #held, ${STRIDE.held} do revoked[#revoked + 1] = {id, held[i], held[i + 1]} end
      return
    end
    local believed = {}
    for i = 1, #held, ${STRIDE.held} do
      local index, attemptId, attempt, generation, startedAt, priority, kind, scheduledAt, payload =
        unpack(held, i, i + ${STRIDE.held - 1})
      -- A later attempt may be this agent's as well, and be unknown to it.
      if rare.assertHeld(
        index, attemptId, attempt, generation, startedAt, id, priority, kind, scheduledAt, payload
      ) then
        believed[index] = true
      else
        revoked[#revoked + 1] = {id, index, attemptId}
      end
    end
    local agent = A[id]
    agent[${A.granted}], agent[${A.limit}] = 0, free
    -- What it was given and does not know of: the message was lost.
    local indices = heldBy(id)
    loadPayloads(indices)
    for i = 1, #indices do
      if not believed[indices[i]] then
        agent[${A.granted}] = agent[${A.granted}] + 1
        hand(indices[i], T[indices[i]], own)
      end
    end
    list(id, agent)
  end

  return rare
end
`;
