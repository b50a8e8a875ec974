import { A, type Constants, E, PHASE, S } from './layout.js';

/** The leading coordinator's part: what is due is released, what is silent expires, old drivers are forgotten. */
export const sweepLua = (c: Constants): string => `
if request.sweep == 1 then
  local rare = rarely()
  swept = {retries = 0, tasks = 0, held = 0, attached = 0, silent = 0}

  if now - ${S.forgotAt} >= ${c.driverEveryMs} then
    ${S.forgotAt} = now
    local all = call('HGETALL', prefix .. 'x')
    for i = 1, #all, 2 do
      local _, _, at = unpacked(all[i + 1])
      if now - at > ${c.driverKeptMs} and all[i] ~= own then forgotten[#forgotten + 1] = all[i] end
    end
  end

  -- Those of this request, and the stored ones that this request has not touched.
  local due, strange = {}, {}
  for index, at in pairs(delays) do
    if at and at <= now then due[#due + 1] = index end
  end
  local stored = call('ZRANGEBYSCORE', prefix .. 'd', '-inf', string.format('%.17g', now))
  for i = 1, #stored do
    if delays[stored[i]] == nil then
      due[#due + 1] = stored[i]
      if T[stored[i]] == nil then strange[#strange + 1] = stored[i] end
    end
  end
  if #strange > 0 then loadTasks(strange) end
  table.sort(due, function(a, b)
    local x, y = T[a][${E.due}], T[b][${E.due}]
    if x ~= y then return x < y end
    return tonumber(a) < tonumber(b)
  end)
  for i = 1, #due do
    local entry = T[due[i]]
    delays[due[i]] = false
    entry[${E.phase}], entry[${E.due}] = ${PHASE.queued}, 0
    changed(due[i], entry)
    waitAtEnd(due[i], tonumber(entry[${E.priority}]))
  end
  ${S.delayed} = ${S.delayed} - #due
  swept.retries = #due

  loadAllAgents()
  local silent, beating = {}, 0
  ${S.oldestBeat}, known.open = math.huge, nil
  for id, agent in pairs(A) do
    if agent then
      swept.attached = swept.attached + 1
      local age = ${S.present} - agent[${A.beat}]
      if age > ${c.leaseMs} then silent[#silent + 1] = id end
      if age <= ${c.suspectMs} then beating = beating + 1 end
      if agent[${A.open}] > 0 and agent[${A.beat}] < ${S.oldestBeat} then ${S.oldestBeat} = agent[${A.beat}] end
    end
  end
  swept.silent = #silent
  -- Many at once look like a fault between the agents and the queue.
  if #silent == 0 then ${S.heldSince} = 0 end
  local many = #silent > math.max(2, ${c.massShare} * swept.attached)
  if many or ${S.heldSince} ~= 0 then
    -- From when the others beat again, those that were cut off with them have a whole lease to come back, too.
    if ${S.heldSince} == 0 or beating == 0 then ${S.heldSince} = now end
    if now - ${S.heldSince} < ${c.leaseMs} then swept.held = 1 end
  end
  if #silent > 0 and swept.held == 0 then
    table.sort(silent, rare.before)
    for i = 1, #silent do swept.tasks = swept.tasks + rare.takeAllBack(silent[i], 'expired') end
    swept.agents = silent
  end
end
`;
