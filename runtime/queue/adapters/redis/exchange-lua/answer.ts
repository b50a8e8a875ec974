import { A, type Constants, E, PHASE, S } from './layout.js';

/** The answer, of which what is empty is left out. */
export const answerLua = (c: Constants): string => `
local reply = {epoch = ${S.epoch}, now = str(now), ready = ${S.ready}, credit = openCredit()}
if ${S.present} < ${S.holdMost} and holding() then reply.holding = 1 end
if answers and #answers > 0 then reply.submitted = answers end
if finished ~= '' then reply.finished = finished end
if #revoked > 0 then reply.revoked = revoked end
if #unknown > 0 then reply.unknown = unknown end
if #replaced > 0 then reply.replaced = replaced end
if #granted > 0 then reply.granted = granted end
if swept then reply.sweep = swept end
if stale then reply.stale = 1 end
if not stale and request.canaries and request.canaries > 0 then
  loadAllAgents()
  local alive, chosen = {}, {}
  for id, agent in pairs(A) do
    if agent and ${S.present} - agent[${A.beat}] <= ${c.suspectMs} then alive[#alive + 1] = id end
  end
  if #alive > 0 then
    table.sort(alive, rarely().before)
    for i = 1, request.canaries do
      ${S.canaryTurn} = ${S.canaryTurn} + 1
      local id = alive[${S.canaryTurn} % #alive + 1]
      chosen[i] = {A[id][${A.driver}], id}
    end
    reply.canaries = chosen
  end
end
if not stale and request.counts == 1 then
  reply.counts = {
    submitted = ${S.submitted}, completed = ${S.completed}, failed = ${S.failed}, shed = ${S.shed},
    queued = ${S.ready} + ${S.delayed}, leased = ${S.leased}, superseded = ${S.superseded}, retried = ${S.retried},
    expired = ${S.expired},
  }
end
if not stale and request.states and #request.states > 0 then
  local phases = {[${PHASE.queued}] = 'queued', [${PHASE.delayed}] = 'delayed', [${PHASE.leased}] = 'leased'}
  local outcomes = {
    [0] = '', [${c.completed}] = 'completed', [${c.failed}] = 'failed', [${c.queueFull}] = 'shed',
    [${c.expectedWait}] = 'shed',
  }
  reply.states = {}
  for i = 1, #request.states do
    local entry = T[request.states[i]]
    reply.states[i] = entry and phases[entry[${E.phase}]] or outcomes[D[request.states[i]] or 0]
  end
end
if not stale and request.unfinished == 1 then
  local all, indices = call('HGETALL', tasksKey), {}
  for i = 1, #all, 2 do
    if T[all[i]] == nil then T[all[i]] = {false, unpacked(all[i + 1])} end
  end
  for index, entry in pairs(T) do
    if entry then indices[#indices + 1] = index end
  end
  loadPayloads(indices)
  table.sort(indices, rarely().byNumber)
  for i = 1, #indices do
    local entry = T[indices[i]]
    local attempts = entry[${E.attempts}]
    if entry[${E.phase}] == ${PHASE.leased} then attempts = attempts - 1 end
    indices[i] = {
      indices[i], attempts, entry[${E.everStarted}], entry[${E.priority}], entry[${E.type}], entry[${E.scheduledAt}],
      entry[${E.payload}],
    }
  end
  if #indices > 0 then reply.unfinished = indices end
end
`;
