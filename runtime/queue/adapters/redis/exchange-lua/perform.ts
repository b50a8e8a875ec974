import { STRIDE } from '../exchange-wire.js';
import { dispatchLua } from './dispatch.js';
import { A, type Constants, MAIN, PHASE, S } from './layout.js';
import { sweepLua } from './sweep.js';

/** What the request asks for, in the order of `Partition.exchange`; nothing is written yet. */
export const performLua = (c: Constants): string => `
local unknown, granted = {}, {}
local answers, finished, swept, forgotten = nil, '', nil, {}

if not stale then
  local ops = request.results
  for i = 1, ops and #ops or 0, ${STRIDE.finish} do rarely().resend(ops, i) end
  ops = request.attach
  for i = 1, ops and #ops or 0, ${STRIDE.attach} do rarely().attach(ops[i], ops[i + 1], ops[i + 2]) end
  ops = request.resync
  for i = 1, ops and #ops or 0 do rarely().resync(unpack(ops[i], 1, 5)) end
${submitLua(c)}
  ops = request.began
  for i = 1, ops and #ops or 0, ${STRIDE.began} do
    local index = ops[i]
    local entry = T[index]
    if holds(entry, ops[i + 1]) then start(index, entry, ops[i + 2]) end
  end

  ops = request.done
  if again then
    finished = lastFinished
  elseif ops or request.finish then
    local letters = {}
    for i = 1, ops and #ops or 0, ${STRIDE.done} do
      letters[#letters + 1] = done(ops[i], ops[i + 1], ops[i + 2], ops[i + 3])
    end
    ops = request.finish
    for i = 1, ops and #ops or 0, ${STRIDE.finish} do letters[#letters + 1] = finish(ops, i) end
    finished = table.concat(letters)
  end

  ops = request.release
  for i = 1, ops and #ops or 0, ${STRIDE.release} do
    local entry = T[ops[i]]
    if holds(entry, ops[i + 1]) then rarely().takeBack(ops[i], entry, 'released') end
  end
  ops = request.detach
  for i = 1, ops and #ops or 0 do
    local agent = A[ops[i]]
    if agent and agent[${A.driver}] == own then rarely().takeAllBack(ops[i], 'released') end
  end

  ops = request.credit
  for i = 1, ops and #ops or 0, ${STRIDE.credit} do
    local id, limit = ops[i], ops[i + 1]
    local agent = A[id]
    if agent and agent[${A.driver}] == own then
      agent[${A.limit}] = limit > agent[${A.granted}] and limit or agent[${A.granted}]
      list(id, agent)
    else
      unknown[#unknown + 1] = id
    end
  end
  ops = request.revoke
  for i = 1, ops and #ops or 0 do
    local id = ops[i]
    local agent = A[id]
    if agent and agent[${A.driver}] == own then
      agent[${A.limit}] = agent[${A.granted}]
      adjust(id, agent)
      granted[#granted + 1] = {id, agent[${A.granted}]}
    end
  end
  ops = request.beat
  for i = 1, ops and #ops or 0 do
    local id = ops[i]
    local agent = A[id]
    if agent and agent[${A.driver}] == own then
      agent[${A.beat}] = ${S.present}
      list(id, agent)
      granted[#granted + 1] = {id, agent[${A.granted}]}
    else
      unknown[#unknown + 1] = id
    end
  end
${sweepLua(c)}
  if request.admission then ${S.limits} = request.admission == 0 and '' or pack(request.admission) end
${dispatchLua(c)}
end
`;

/** See `admit` in protocol.ts. */
const submitLua = (c: Constants): string => `
  ops = request.submit
  if ops then
    answers = {}
    local anyRefused = false
    local limits = ${S.limits} ~= '' and unpacked(${S.limits})
    for i = 1, #ops, ${STRIDE.submit} do
      local index, enqueuedAt, word, priority, kind, scheduledAt, payload = unpack(ops, i, i + ${STRIDE.submit - 1})
      local code, reason = D[index] or 0, ''
      if code == ${c.queueFull} then
        reason = 'queue_full'
      elseif code == ${c.expectedWait} then
        reason = 'expected_wait'
      elseif code == 0 and not T[index] then
        local place = tonumber(priority)
        if word == 3 then
          reason = 'queue_full'
        elseif word == 4 then
          reason = 'expected_wait'
        elseif word ~= 2 then
          if ${S.open} > ${S.ready} and openCredit() > ${S.ready} and not holding() then
            reason = ''
          elseif ${S.ready} >= ${c.bound} then
            reason = 'queue_full'
          elseif limits then
            local ahead, drain = 1, limits.drainPerMs
            for other = 0, 3 do
              if other <= place then ahead = ahead + S[other + ${MAIN.beforeWaits + 1}] end
              if other < place then drain = drain - limits.arrivalsPerMs[other + 1] end
            end
            local wait = drain > 0 and ahead / drain or math.huge
            if wait > limits.maxWaitMs[place + 1] then reason = 'expected_wait' end
          end
        end
        if word ~= 5 and (word ~= 0 or reason == '') then
          ${S.submitted} = ${S.submitted} + 1
          events[#events + 1] = {'submitted', index, reason, enqueuedAt, priority, kind, scheduledAt}
          if reason == '' then
            local entry = {true, ${PHASE.queued}, 0, '', 0, 0, '', '', 0, priority, kind, scheduledAt, payload}
            T[index] = entry
            if payload ~= '' then payloads[#payloads + 1], payloads[#payloads + 2] = index, payload end
            waitAtEnd(index, place)
          else
            ${S.shed} = ${S.shed} + 1
            D[index] = reason == 'queue_full' and ${c.queueFull} or ${c.expectedWait}
          end
          changedT[#changedT + 1] = index
        end
      end
      answers[#answers + 1] = reason
      if reason ~= '' then anyRefused = true end
    end
    if not anyRefused then answers = nil end
  end
`;
