/** The sentences of the findings in English. Every value is a number or a name already written out. */
export const en = {
  // ---- criteria
  met: (v: { name: string; actual: string; target: string; margin: string }) =>
    `${v.name} met its target: ${v.actual}, target ${v.target}${v.margin}.`,
  'margin.above': (v: { share: string }) => ` (${v.share} above it)`,
  'margin.used': (v: { share: string }) => ` (${v.share} of the limit used)`,
  'margin.budget': (v: { share: string }) => ` (${v.share} of the error budget used)`,
  missed: (v: { name: string; actual: string; target: string }) =>
    `${v.name} missed its target: ${v.actual}, target ${v.target}.`,
  'missed.optional': (v: { name: string; actual: string; target: string }) =>
    `${v.name} missed its target, which is not mandatory: ${v.actual}, target ${v.target}.`,
  'missed.noData': (v: { name: string; target: string }) =>
    `${v.name} could not be judged: no data, target ${v.target}.`,
  'stable.target': (v: { text: string; agents: string; duration: string }) => v.text,
  'stable.actual': (v: { text: string; held: string; min: string }) => `${v.text}, fewest ${v.min}`,

  // ---- what went well
  'ledger.whole': (v: { tasks: string }) => `All ${v.tasks} tasks are accounted for: 0 lost, 0 counted twice.`,
  'faults.recovered': (v: { faults: string; worst: string; id: string; type: string; target: string }) =>
    `Service recovered from all ${v.faults} faults; the worst (${v.id}, ${v.type}) took ${v.worst} of the ${v.target} allowed.`,
  'alerts.none': (v: { duration: string }) => `No alert fired in ${v.duration}.`,
  'load.kept': (v: { lag: string; limit: string; sent: string }) =>
    `The load generator kept its schedule: ${v.sent} arrivals sent, 0 dropped, dispatch lag P99.9 ${v.lag} (limit ${v.limit}).`,
  'cost.within': (v: { usd: string; budget: string; share: string; perThousand: string }) =>
    `The run cost ${v.usd}, ${v.share} of its budget of ${v.budget}; 1,000 tasks cost ${v.perThousand}.`,
  'shed.fromBelow': (v: { shares: string }) =>
    `Refused load was refused from the bottom: ${v.shares} of each priority’s tasks.`,
  'monitor.ok': (v: { monitor: string; value: string }) => `${v.monitor}: nothing found (${v.value}).`,
  'monitor.memory_leak': () => 'Memory leak',
  'monitor.connection_pool': () => 'Connection pool',
  'value.memory_leak': (v: { value: string }) => `${v.value} MiB/h per agent`,
  'value.connection_pool': (v: { value: string }) => `${v.value} connections per agent`,

  // ---- what went wrong
  invalid: (v: { reasons: string }) => `The measurement is not valid: ${v.reasons}.`,
  'invalid.aborted': () => 'the run was aborted',
  'invalid.dropped': (v: { count: string }) => `${v.count} arrivals were dropped`,
  'invalid.lag': (v: { lag: string; limit: string }) => `dispatch lag P99.9 was ${v.lag} (limit ${v.limit})`,
  'invalid.lagBeside': (v: { lag: string; limit: string; machine: string }) =>
    `dispatch lag P99.9 was ${v.lag} (limit ${v.limit}; idle timers on the same machine ${v.machine})`,
  'invalid.ledger': () => 'the ledger does not balance',
  cutShort: (v: { actual: string; planned: string; reason: string }) =>
    `The run ended after ${v.actual} of ${v.planned}: ${v.reason}.`,
  'cutShort.unknown': () => 'no reason recorded',
  'ledger.broken': (v: { lost: string; double: string; examples: string }) =>
    `The ledger is broken: ${v.lost} tasks lost, ${v.double} counted twice${v.examples}.`,
  'ledger.examples': (v: { indices: string }) => ` (task indices ${v.indices})`,
  'faults.stuck': (v: { count: string; faults: string; ids: string }) =>
    `${v.count} of ${v.faults} faults never recovered: ${v.ids}.`,
  'faults.blind': (v: { count: string; ids: string }) =>
    `The probe saw no effect of ${v.count} faults (${v.ids}): they prove nothing.`,
  'faults.left': (v: { count: string; ids: string }) =>
    `The end of ${v.count} faults was not confirmed (${v.ids}): they may still act.`,
  shed: (v: { count: string; share: string; shares: string }) =>
    `${v.count} tasks (${v.share} of all) were refused: ${v.shares}.`,
  'shed.one': (v: { priority: string; share: string }) => `${v.priority} ${v.share}`,
  alert: (v: { name: string; times: string; longest: string; actions: string }) =>
    `Alert ${v.name} fired ${v.times}, for at most ${v.longest}; actions: ${v.actions}.`,
  'alert.times': (v: { count: string }) => (v.count === '1' ? 'once' : `${v.count} times`),
  'alert.noActions': () => 'none',
  slow: (v: { count: string; of: string; target: string; worst: string; at: string }) =>
    `P99 response was above ${v.target} in ${v.count} of ${v.of} intervals, worst ${v.worst} at ${v.at}.`,
  'monitor.bad': (v: { monitor: string; value: string }) => `${v.monitor}: the monitor found one (${v.value}).`,
  retried: (v: { share: string; count: string; expired: string }) =>
    `${v.share} of all attempts had to be repeated: ${v.count} failed and were retried, ${v.expired} were taken from silent agents.`,
  unstarted: (v: { count: string }) => `${v.count} tasks had not started when the run ended.`,
  overBudget: (v: { usd: string; budget: string }) => `The run cost ${v.usd}, above its budget of ${v.budget}.`,
  littlesLaw: (v: { error: string }) =>
    `Little’s law holds only within ${v.error}: some of the counts do not belong together.`,
  sinks: (v: { names: string }) => `Not everything was recorded: ${v.names}.`,

  // ---- what to change
  'bottleneck.slots': (v: { saturated: string; intervals: string; need: string; agents: string }) =>
    `The slots were the limit: 95 % or more of them busy in ${v.saturated} of ${v.intervals} intervals. Deploy at least ${v.need} agents instead of ${v.agents}, or more slots each.`,
  'bottleneck.cpu': (v: { cpu: string; target: string }) =>
    `CPU was the limit: ${v.cpu} in its worst interval (target ${v.target}). Give agents more CPU or fewer slots.`,
  'bottleneck.dispatch': (v: { utilization: string; lag: string }) =>
    `Tasks waited although at most ${v.utilization} of the slots were busy (dispatch lag P99 ${v.lag}): look at the way from queue to agent and at the faults, not at the number of agents.`,
  'bottleneck.none': (v: { utilization: string; cpu: string }) =>
    `Nothing was saturated: in the busiest interval ${v.utilization} of the slots were busy and CPU was at ${v.cpu}.`,
  fewerAgents: (v: { need: string; agents: string; utilization: string; idle: string }) =>
    `${v.idle} of the slot time was idle. ${v.need} agents instead of ${v.agents} would carry the same load with 80 % of the slots busy at its peak (now ${v.utilization}).`,
  'scaling.idle': (v: { agents: string; mean: string }) =>
    `The autoscaler never acted: the floor of ${v.agents} agents carried everything (${v.mean} of the slots busy on average). A lower floor, or the scenario diurnal, would show what it is worth.`,
  'scaling.restless': (v: { reversals: string; decisions: string }) =>
    `The autoscaler changed direction ${v.reversals} times in ${v.decisions} decisions: widen the distance between its thresholds or its cooldowns.`,
  'fix.throughput': (v: { actual: string; capacity: string }) =>
    `For the throughput: ${v.actual} was completed, and the fleet’s capacity at 80 % busy slots is ${v.capacity} a minute.`,
  'fix.p99_latency': (v: { queue: string }) =>
    `For the latency: up to ${v.queue} tasks waited at once; scale before the load rises (feed_forward) or refuse low priorities earlier.`,
  'fix.error_rate': (v: { type: string; failed: string; share: string }) =>
    `For the error rate: start with ${v.type}, of which ${v.failed} failed for good (${v.share}).`,
  'fix.availability': (v: { missed: string; canaries: string }) =>
    `For the availability: ${v.missed} of ${v.canaries} canaries were not answered in time; compare their times with the faults.`,
  'fix.recovery': (v: { id: string; type: string; worst: string; held: string }) =>
    `For the recovery: start with ${v.id} (${v.type}, ${v.held} tasks held), ${v.worst}; a shorter lease or more agents in reserve bring it down.`,
  'fix.stable': (v: { min: string; agents: string }) =>
    `For the stability: as few as ${v.min} of ${v.agents} agents were ready; raise the reserve or shorten the start-up.`,
  'fix.linearity': (v: { ratio: string; peak: string }) =>
    `For the linearity: throughput per agent falls to ${v.ratio}${v.peak}; look for what all agents share.`,
  'linearity.peak': (v: { agents: string }) =>
    `, and beyond about ${v.agents} agents the fit foretells less throughput, not more`,
  'fix.cpu': (v: { cpu: string }) => `For the CPU: ${v.cpu} on average; give agents more CPU or fewer slots.`,
  'fix.stretch': (v: { stretch: string; expired: string }) =>
    `For the stretch: P99 ${v.stretch}; ${v.expired} attempts were begun and lost with their agents.`,
  'fix.memory_leak': (v: { value: string }) => `Find what keeps ${v.value}; until then recycling has to hide it.`,
  'fix.connection_pool': (v: { value: string }) =>
    `Find what opens connections and does not close them, or lacks them: ${v.value}.`,
  'prices.assumed': () => 'Some prices are taken over from another region: check them before trusting the bill.',
  'prices.stale': () => 'The price table is more than a year older than the run: renew it.',

  // ---- recommendations
  'next.invalid': (v: { reasons: string }) => `Repeat this run before drawing conclusions: ${v.reasons}.`,
  'next.failed': (v: { phase: string; names: string }) =>
    `Repeat phase ${v.phase} before going on: ${v.names} not met.`,
  'next.failed.scenario': (v: { names: string }) => `Repeat this scenario: ${v.names} not met.`,
  'next.go': (v: { phase: string; agents: string; rate: string; utilization: string; bursts: string }) =>
    `Go on to phase ${v.phase}: ${v.rate} a minute should keep ${v.utilization} of the slots of its ${v.agents} agents busy${v.bursts}.`,
  'next.bursts': (v: { rate: string; utilization: string }) => `, its bursts of ${v.rate} a minute ${v.utilization}`,
  'next.tooFew': (v: { phase: string; agents: string; need: string; rate: string; utilization: string }) =>
    `Give phase ${v.phase} at least ${v.need} agents: at ${v.rate} a minute its ${v.agents} would have ${v.utilization} of their slots busy.`,
  'next.cost': (v: { phase: string; usd: string }) =>
    `Expect phase ${v.phase} to cost about ${v.usd}, if cost grows with agents and hours as here.`,
  'next.done': (v: { capacity: string; agents: string }) =>
    `The last phase passes. By its busy slots this fleet of ${v.agents} agents carries ${v.capacity} tasks a minute at 80 %: that is the load to plan with.`,
  'next.scaleOut': () => 'Run the scenario scale_out: linearity has not been measured yet.',
  'next.chaos': (v: { phase: string }) =>
    `Run phase ${v.phase} once with --chaos: no fault has been injected, so recovery is unknown.`,
  'next.scenario': (v: { scenario: string }) =>
    `The scenario ${v.scenario} passes; repeat it after every change to the fleet.`,
  'next.overload': (v: { share: string; capacity: string }) =>
    `${v.share} of this load was refused; plan with at most ${v.capacity} tasks a minute for this fleet.`,
} as const;

/** What a language has to provide: a sentence for each finding, made from the same values. */
export type Phrases = Readonly<typeof en>;
