import { A, type Constants, E, MAIN, PHASE, S } from './layout.js';

/** What happens in every request: tasks begin, end and wait, and agents take credit. */
export const tasksLua = (c: Constants): string => `
local rarely

-- ---- where tasks wait, by priority: what this request has put in front (the head is the last) and at the back of the
-- stored line, what it has fetched from there (from the head on, as far as it is taken), and what has left in between

local fronts, backs, fetched, taken, left = {}, {}, {}, {}, {}
-- Delayed tasks of this request: index → due, or false where one no longer is.
local delays = {}

local function waitAtEnd(index, priority)
  local back = backs[priority]
  if back then back[#back + 1] = index else backs[priority] = {index} end
  local place = priority + ${MAIN.beforeWaits + 1}
  S[place] = S[place] + 1
  ${S.ready} = ${S.ready} + 1
end

-- ---- the credit of agents, and the line of those that wait: fetched from the stored one, or put at its end by this
-- request

local line = {fetched = {}, taken = 0, joined = {}, first = 1, left = false}

-- \`open\` is the credit of all that wait. Agents that are late do not count: while none can be (\`oldestBeat\` is no
-- later than any of their beats), it is the answer.
local function openCredit()
  if ${S.open} == 0 or ${S.present} - ${S.oldestBeat} <= ${c.suspectMs} then return ${S.open} end
  return rarely().exactOpen()
end

-- After a change of an agent's limit, grants, beat or place in line.
local function adjust(id, agent)
  local part = 0
  if agent[${A.listed}] ~= 0 and agent[${A.limit}] > agent[${A.granted}] then
    part = agent[${A.limit}] - agent[${A.granted}]
  end
  local before = agent[${A.open}]
  if part ~= before then
    if part > 0 and (${S.open} == 0 or agent[${A.beat}] < ${S.oldestBeat}) then ${S.oldestBeat} = agent[${A.beat}] end
    ${S.open} = ${S.open} + part - before
    agent[${A.open}] = part
  end
  known.open = nil
  changedA[id] = true
end

local function list(id, agent)
  if agent[${A.listed}] == 0 and agent[${A.limit}] > agent[${A.granted}] then
    agent[${A.listed}] = 2
    line.joined[#line.joined + 1] = id
    ${S.waiting} = ${S.waiting} + 1
  end
  adjust(id, agent)
end

-- ---- what is given out, and what happens to it

-- Leases by driver, each a row.
local given = {}
local digits = {'1', '2', '3', '4', '5', '6', '7', '8', '9'}
local function hand(index, entry, driver)
  if not entry[${E.payload}] then loadPayloads({index}) end
  local row = given[driver]
  if not row then
    row = {}
    given[driver] = row
    given[#given + 1] = driver
  end
  local n = #row
  row[n + 1], row[n + 2], row[n + 3] = entry[${E.agent}], index, entry[${E.attemptId}]
  local attempts, generation = entry[${E.attempts}], entry[${E.generation}]
  row[n + 4], row[n + 5] = digits[attempts] or str(attempts), digits[generation] or str(generation)
  row[n + 6], row[n + 7] = entry[${E.priority}], entry[${E.type}]
  row[n + 8], row[n + 9] = entry[${E.scheduledAt}], entry[${E.payload}]
end

local function start(index, entry, at)
  if entry[${E.startedAt}] ~= '' then return end
  events[#events + 1] = {
    'started', index, entry[${E.attemptId}], str(entry[${E.attempts}]), entry[${E.agent}],
    entry[${E.everStarted}] == 1 and '0' or '1', at, entry[${E.priority}], entry[${E.type}], entry[${E.scheduledAt}],
  }
  entry[${E.startedAt}], entry[${E.everStarted}] = at, 1
  changed(index, entry)
end

-- The attempt is over: the task is done, with one of the outcomes kept in the bitmaps …
local function finishTask(index, entry, code)
  if known.holders then rarely().setAgent(index, entry, '') end
  changed(index, entry)
  T[index], D[index] = false, code
  ${S.leased} = ${S.leased} - 1
  if code == ${c.completed} then ${S.completed} = ${S.completed} + 1 else ${S.failed} = ${S.failed} + 1 end
end

-- … or waits.
local function unlease(index, entry, phase, attempts)
  if known.holders then rarely().setAgent(index, entry, '') end
  changed(index, entry)
  entry[${E.phase}], entry[${E.attempts}], entry[${E.attemptId}] = phase, attempts, ''
  entry[${E.agent}], entry[${E.startedAt}] = '', ''
  ${S.leased} = ${S.leased} - 1
end

-- Ends an attempt that failed and holds the lease.
local function failed(index, entry, verdict, retryAfterMs)
  local backoff, attempts, wait = ${c.backoff}, entry[${E.attempts}], 0
  if verdict == 3 then
    wait = retryAfterMs > 0 and retryAfterMs or backoff[1]
    unlease(index, entry, ${PHASE.delayed}, attempts - 1)
  elseif verdict == 2 or attempts >= ${c.maxAttempts} then
    finishTask(index, entry, ${c.failed})
    return 'dead', 'd'
  else
    wait = math.max(backoff[attempts], retryAfterMs)
    unlease(index, entry, ${PHASE.delayed}, attempts)
  end
  entry[${E.due}], delays[index] = now + wait, now + wait
  ${S.delayed}, ${S.retried} = ${S.delayed} + 1, ${S.retried} + 1
  return 'retried', 'r'
end

-- A success, where the partition has given that lease.
local function done(index, attemptId, startedAt, endedAt)
  local entry = T[index]
  if not holds(entry, attemptId) then return 'u' end
  local first, attempts = '', entry[${E.attempts}]
  if startedAt ~= '' and entry[${E.startedAt}] == '' then first = entry[${E.everStarted}] == 1 and '0' or '1' end
  events[#events + 1] = {
    'ran', index, attemptId, digits[attempts] or str(attempts), entry[${E.agent}], first, endedAt, startedAt,
    entry[${E.priority}], entry[${E.type}], entry[${E.scheduledAt}],
  }
  finishTask(index, entry, ${c.completed})
  return 'c'
end

-- The operation at this place of a row of results.
local function finish(ops, at)
  local index, attemptId, attempt, generation, agent, verdict, err, retryAfterMs, endedAt, startedAt, _, usage,
    priority, kind, scheduledAt = unpack(ops, at, at + 14)
  local entry = T[index]
  local held = holds(entry, attemptId)
  if not held and (entry and entry[${E.generation}] < generation or not entry and (D[index] or 0) == 0) then
    -- The lease was lost with the server that had given it: the agent's word is all there is.
    held = rarely().assertHeld(
      index, attemptId, tonumber(attempt), generation, startedAt, agent, priority, kind, scheduledAt, ops[at + 15]
    )
    entry = T[index]
  end
  local outcome, letter = 'superseded', 's'
  if held then
    priority, kind, scheduledAt = entry[${E.priority}], entry[${E.type}], entry[${E.scheduledAt}]
    if startedAt ~= '' then start(index, entry, startedAt) end
    if verdict == 1 then
      finishTask(index, entry, ${c.completed})
      outcome, letter = 'counted', 'c'
    else
      outcome, letter = failed(index, entry, verdict, retryAfterMs)
    end
  else
    ${S.superseded} = ${S.superseded} + 1
  end
  events[#events + 1] = {
    'finished', index, attemptId, attempt, agent, outcome, verdict == 1 and 'success' or 'failed', err, endedAt,
    startedAt, usage, priority, kind, scheduledAt,
  }
  return letter
end
`;
