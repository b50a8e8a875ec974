import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import type { RunEnd } from '../../runtime/coordinator/run.js';
import type { Clock } from '../../runtime/kernel/clock.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { ExperimentData } from '../../runtime/observe/data.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import type { QueueObserver } from '../../runtime/queue/port.js';
import { buildReport } from '../../runtime/report/build.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import type { ExperimentOverrides } from '../../runtime/spec/overrides.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import type { Sizing } from '../../runtime/cost/sizing.js';
import { ExperimentRun } from '../../runtime/targets/experiment-run.js';
import type { RunQueueMaker } from '../../runtime/targets/run-queue.js';
import type { RunSnapshot } from '../../runtime/targets/snapshot.js';
import { onError } from '../support/core.js';

export interface Rehearsed {
  readonly report: ExperimentReport;
  readonly end: RunEnd;
  readonly events: readonly ExperimentEvent[];
  readonly samples: readonly ExperimentData[];
}

export interface RehearseOptions {
  readonly observers?: readonly QueueObserver[];
  /** Told of the run before it begins; may put things on its clock. */
  readonly during?: (run: ExperimentRun, clock: VirtualClock) => void;
  readonly resume?: RunSnapshot;
  readonly sizing?: Sizing;
  readonly queue?: RunQueueMaker;
}

/** The experiment of a stack file, changed as the command line's flags would. */
export function phase(number: 1 | 2 | 3, overrides: ExperimentOverrides = {}): Experiment {
  const file = `Pulumi.phase${number}.yaml`;
  return loadExperiment(readFileSync(join(__dirname, '../..', file), 'utf8'), file, overrides);
}

/** A run as the program puts it together, recorded in memory. */
export function newRun(experiment: Experiment, clock: Clock, options: RehearseOptions = {}): ExperimentRun {
  return new ExperimentRun({
    experiment,
    experimentId: 'test',
    target: clock instanceof VirtualClock ? 'rehearsal' : 'local',
    clock,
    sinks: [],
    faultLedger: new MemoryFaultLedger(),
    provenance: {
      version: 'test',
      commit: 'test',
      imageDigest: null,
      schemaVersion: 1,
      specHash: 'test',
      seed: experiment.seed,
    },
    onError,
    ...(options.observers === undefined ? {} : { observers: options.observers }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    ...(options.sizing === undefined ? {} : { sizing: options.sizing }),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
  });
}

/** Rehearses an experiment from its beginning (or a snapshot) to its end. */
export async function rehearse(experiment: Experiment, options: RehearseOptions = {}): Promise<Rehearsed> {
  const clock = new VirtualClock(options.resume?.takenAt ?? experiment.startAtMs, new Random(experiment.seed, 'ties'));
  const run = newRun(experiment, clock, options);
  const events: ExperimentEvent[] = [];
  const samples: ExperimentData[] = [];
  run.onEvent((event) => events.push(event));
  run.onSample((data) => samples.push(data));
  options.during?.(run, clock);
  const carriedOut = run.carryOut().finally(() => {
    clock.stop();
  });
  await clock.run();
  const { end, input } = await carriedOut;
  return { report: buildReport(input), end, events, samples };
}

/** A run until `leaveAt` (ms from the start) and what it leaves: it is cut off there, as by a kill. */
export async function runUntil(
  experiment: Experiment,
  leave: (run: ExperimentRun, clock: VirtualClock, left: (snapshot: RunSnapshot) => void) => void,
  options: RehearseOptions = {},
): Promise<RunSnapshot> {
  const clock = new VirtualClock(experiment.startAtMs, new Random(experiment.seed, 'ties'));
  const run = newRun(experiment, clock, options);
  let snapshot: RunSnapshot | null = null;
  leave(run, clock, (taken) => {
    // What another process gets has been written and read.
    snapshot = JSON.parse(JSON.stringify(taken)) as RunSnapshot;
    clock.stop();
  });
  run.carryOut().catch(onError);
  await clock.run();
  if (snapshot === null) throw new Error('the run ended without a snapshot');
  return snapshot;
}

/** An observer that minds only what is given. */
export function observer(parts: Partial<QueueObserver>): QueueObserver {
  return {
    submitted: parts.submitted ?? (() => undefined),
    started: parts.started ?? (() => undefined),
    finished: parts.finished ?? (() => undefined),
    requeued: parts.requeued ?? (() => undefined),
  };
}

/** The smallest value that `share` of the values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
