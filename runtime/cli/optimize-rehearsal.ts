import { MemoryFaultLedger } from '../chaos/fault-ledger.js';
import { timedCurve, type TimedCurve } from '../cost/agent-time.js';
import { Random } from '../kernel/random.js';
import { HOUR } from '../kernel/units.js';
import { VERSION } from '../kernel/version.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { buildReport } from '../report/build.js';
import type { Verdict } from '../report/model.js';
import type { Experiment } from '../spec/experiment.js';
import { fitInjections } from '../spec/injections.js';
import { specHash } from '../spec/spec-hash.js';
import { meanOfferedPerMin, steadyWindow } from '../spec/window.js';
import { carryOut } from '../targets/carry-out.js';
import { ExperimentRun } from '../targets/experiment-run.js';

/** How a rehearsal that leaves nothing behind went. */
export interface Trial {
  readonly verdict: Verdict;
  /** Names of the mandatory criteria that were not met. */
  readonly failed: readonly string[];
  readonly curve: TimedCurve;
}

/** The first hours of a run are rehearsed before the whole of it: what fails there need not be rehearsed further. */
export const SCREENING_MS = 6 * HOUR;

/** Rehearses an experiment with the production modules, and records nothing. Its budget does not stop it. */
export async function tryOut(experiment: Experiment): Promise<Trial> {
  // The bill is judged by whoever asks; a run that is paused for it tells nothing about the fleet.
  const free: Experiment = { ...experiment, budget: { ...experiment.budget, maxUsd: Infinity } };
  const clock = new VirtualClock(free.startAtMs, new Random(free.seed, 'ties'));
  const errors: unknown[] = [];
  const run = new ExperimentRun({
    experiment: free,
    experimentId: 'trial',
    target: 'rehearsal',
    clock,
    sinks: [],
    faultLedger: new MemoryFaultLedger(),
    provenance: {
      version: VERSION,
      commit: 'unknown',
      imageDigest: null,
      schemaVersion: 1,
      specHash: specHash(experiment),
      seed: free.seed,
    },
    onError: (error) => errors.push(error),
  });
  const { input } = await carryOut(run, clock);
  if (errors.length > 0) throw errors[0];
  const { verdict, criteria, invalid, cost } = buildReport(input);
  const failed = criteria.filter((one) => one.mandatory && one.verdict === 'FAIL').map(({ name }) => name);
  return { verdict, failed: [...failed, ...invalid], curve: timedCurve(cost.agentTime ?? []) };
}

/** The first hours of an experiment: the same load and faults, judged by what is offered in them. */
export function firstHours(experiment: Experiment, durationMs: number = SCREENING_MS): Experiment {
  const segments = experiment.load.segments
    .filter(({ startMs }) => startMs < durationMs)
    .map((segment) => ({ ...segment, endMs: Math.min(segment.endMs, durationMs) }));
  const offered = meanOfferedPerMin(segments, steadyWindow(durationMs));
  const { chaos, targets, load } = experiment;
  return {
    ...experiment,
    durationMs,
    load: { ...load, segments },
    chaos: { ...chaos, injections: fitInjections(chaos.injections, durationMs) },
    targets: { ...targets, throughputPerMin: Math.min(targets.throughputPerMin, offered) },
  };
}
