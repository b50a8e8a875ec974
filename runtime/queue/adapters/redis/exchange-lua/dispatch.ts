import { A, CHUNK, type Constants, E, MAIN, PHASE, S } from './layout.js';

/** Gives what is ready to those that wait, one at a time, in turn. */
export const dispatchLua = (c: Constants): string => `
if ${S.waiting} > 0 and ${S.ready} > 0 and not holding() then
  local joined, nonce, made = line.joined, request.nonce .. '.', 0

  local function nextWaiting()
    while true do
      if line.taken == #line.fetched then
        -- The new ones stand behind all that are stored.
        if ${S.waiting} == #joined - line.first + 1 then
          line.first = line.first + 1
          return joined[line.first - 1]
        end
        local upTo = #line.fetched + math.min(${CHUNK}, ${S.ready} + 2) - 1
        local more, strange = call('LRANGE', prefix .. 'w', #line.fetched, upTo), {}
        for i = 1, #more do
          line.fetched[#line.fetched + 1] = more[i]
          if A[more[i]] == nil then strange[#strange + 1] = more[i] end
        end
        if #strange > 0 then loadAgents(strange) end
      end
      line.taken = line.taken + 1
      local id = line.fetched[line.taken]
      if not line.left or not line.left[id] then return id end
      line.left[id] = nil
    end
  end

  local function nextReady()
    local priority = 0
    while S[priority + ${MAIN.beforeWaits + 1}] == 0 do priority = priority + 1 end
    local place = priority + ${MAIN.beforeWaits + 1}
    S[place] = S[place] - 1
    ${S.ready} = ${S.ready} - 1
    local front, back = fronts[priority], backs[priority]
    if front and #front > 0 then return table.remove(front) end
    local stored = fetched[priority]
    if not stored then
      stored = {}
      fetched[priority], taken[priority] = stored, 0
    end
    while true do
      if taken[priority] == #stored then
        -- What was put at the back stands behind all that is stored.
        if back and S[place] == #back - (back.first or 1) then
          back.first = (back.first or 1) + 1
          return back[back.first - 1]
        end
        local upTo = #stored + math.min(${CHUNK}, ${S.open}) - 1
        local more, strange = call('LRANGE', prefix .. 'r' .. priority, #stored, upTo), {}
        for i = 1, #more do
          stored[#stored + 1] = more[i]
          if T[more[i]] == nil then strange[#strange + 1] = more[i] end
        end
        if #strange > 0 then loadTasks(strange) end
        loadPayloads(more)
      end
      taken[priority] = taken[priority] + 1
      local index = stored[taken[priority]]
      if not left[priority] or not left[priority][index] then return index end
      left[priority][index] = nil
    end
  end

  while ${S.waiting} > 0 and ${S.ready} > 0 do
    local id = nextWaiting()
    local agent = A[id]
    ${S.waiting} = ${S.waiting} - 1
    agent[${A.listed}] = 0
    if agent[${A.limit}] > agent[${A.granted}] and ${S.present} - agent[${A.beat}] <= ${c.suspectMs} then
      local index = nextReady()
      local entry = T[index]
      made = made + 1
      entry[${E.phase}], entry[${E.attempts}] = ${PHASE.leased}, entry[${E.attempts}] + 1
      entry[${E.attemptId}], entry[${E.generation}] = nonce .. made, entry[${E.generation}] + 1
      entry[${E.agent}], entry[${E.startedAt}] = id, ''
      changed(index, entry)
      ${S.leased} = ${S.leased} + 1
      agent[${A.granted}] = agent[${A.granted}] + 1
      hand(index, entry, agent[${A.driver}])
      list(id, agent)
    else
      adjust(id, agent)
    end
  end
end
`;
