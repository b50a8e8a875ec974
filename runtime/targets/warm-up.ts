import { MemoryFaultLedger } from '../chaos/fault-ledger.js';
import type { Sizing } from '../cost/sizing.js';
import { Random } from '../kernel/random.js';
import { MINUTE } from '../kernel/units.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Experiment } from '../spec/experiment.js';
import { carryOut } from './carry-out.js';
import { ExperimentRun, type ExperimentRunOptions } from './experiment-run.js';
import { recordToJson } from './run-record.js';

/** Enough for the compiler to have seen all of the hot path a few thousand times; about 0.3 s. */
const WARM_UP_PER_MIN = 6_000;

/**
 * Rehearses one minute of a like experiment, for nothing but its side effect: the code that a live run's first tasks
 * go through is compiled by then. Without it the first arrivals are sent 10 to 30 ms late, and the measurement
 * would have to be blamed for it.
 */
export async function warmUp(
  experiment: Experiment,
  sizing: Sizing,
  provenance: ExperimentRunOptions['provenance'],
  onError: (error: unknown) => void,
): Promise<void> {
  const { tasks, fleet, load } = experiment;
  const brief: Experiment = {
    ...experiment,
    durationMs: MINUTE,
    load: { ...load, segments: [{ startMs: 0, endMs: MINUTE, ratePerMin: WARM_UP_PER_MIN, label: 'warm-up' }] },
    tasks: { ...tasks, types: tasks.types.map((type) => ({ ...type, meanMs: 500 })) },
    fleet: { ...fleet, agents: Math.min(fleet.agents, 50), spot: { enabled: false, preemptedPerDay: 0 }, stages: [] },
    scaling: { ...experiment.scaling, mode: 'off' },
    chaos: { ...experiment.chaos, enabled: false },
    budget: { ...experiment.budget, maxUsd: Infinity },
  };
  const clock = new VirtualClock(brief.startAtMs, new Random(brief.seed, 'warm-up'));
  const run = new ExperimentRun({
    experiment: brief,
    sizing,
    experimentId: 'warm-up',
    target: 'rehearsal',
    clock,
    sinks: [],
    faultLedger: new MemoryFaultLedger(),
    provenance,
    onError,
  });
  await carryOut(run, clock);
  recordToJson(run.record(null), true);
}
