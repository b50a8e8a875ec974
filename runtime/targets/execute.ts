import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileFaultLedger } from '../chaos/adapters/file-fault-ledger.js';
import { MemoryFaultLedger } from '../chaos/fault-ledger.js';
import type { RunControl } from '../control/port.js';
import type { RunEnd } from '../coordinator/run.js';
import { defaultSizing } from '../cost/deployment-sizing.js';
import type { Sizing } from '../cost/sizing.js';
import type { Clock } from '../kernel/clock.js';
import { MachineLag } from '../kernel/machine-lag.js';
import { Random } from '../kernel/random.js';
import { RealClock } from '../kernel/real-clock.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { FiringAlert } from '../observe/alerts.js';
import { FileSink } from '../record/files.js';
import { claim, createRunFolder, RUN_FILES, writeWhole } from '../record/run-folder.js';
import { buildReport } from '../report/build.js';
import type { ExperimentReport } from '../report/model.js';
import type { Experiment } from '../spec/experiment.js';
import { specHash } from '../spec/spec-hash.js';
import { VERSION } from '../kernel/version.js';
import { carryOut } from './carry-out.js';
import { requireAgents } from './executors.js';
import { ExperimentRun } from './experiment-run.js';
import { Recorder } from './recorder.js';
import { openRedisRun, type RedisChoice, type RedisRun } from './redis-run.js';
import { writeBasis, type RunBasis } from './run-basis.js';
import { recordToJson } from './run-record.js';
import { supervise } from './supervise.js';
import { warmUp } from './warm-up.js';
import type { RunSnapshot } from './snapshot.js';

export interface ExecuteOptions {
  readonly experiment: Experiment;
  /** What the run is priced on. @default that of the run taken up, or else of the experiment's default deployment */
  readonly sizing?: Sizing;
  readonly target: 'rehearsal' | 'local';
  /** Folder for the results; null = the next free name under `root`. */
  readonly out: string | null;
  /** Default: `results` in the folder the process was started in. */
  readonly root?: string;
  readonly resume?: RunSnapshot;
  /** Keep the tasks in a Redis; local runs only, and none that is taken up. @default in this process */
  readonly redis?: RedisChoice;
  /** Calls the start off while there is no run yet. */
  readonly signal?: AbortSignal;
  /** Told how far the start is, where it takes a while. */
  readonly onProgress?: (text: string) => void;
  /** Called as soon as there is a run, before it begins. `save` writes down all there is, in case it is the last. */
  readonly onRun: (run: RunControl, folder: string, save: () => Promise<void>) => void | Promise<void>;
  readonly onAlert?: (alert: ToldAlert) => void;
  readonly onError: (error: unknown) => void;
}

/** An alert as people are told of it. */
export type ToldAlert = Pick<FiringAlert, 'name' | 'severity' | 'condition'>;

export interface Executed {
  readonly report: ExperimentReport;
  readonly end: RunEnd;
  readonly folder: string;
}

/**
 * Executes an experiment on this machine, in virtual time (`rehearsal`) or in real time (`local`): makes the results
 * folder, runs, records, and builds the report's data. Rendering is the caller's.
 */
export async function execute(options: ExecuteOptions): Promise<Executed> {
  const { target, resume, onError } = options;
  // Before anything is written: what cannot run leaves no folder behind.
  if (target === 'local') requireAgents(options.experiment);
  const real = new RealClock();
  const experiment =
    target === 'local' && resume === undefined
      ? { ...options.experiment, startAtMs: Math.round(real.now()) }
      : options.experiment;
  const hash = specHash(experiment);
  const experimentId = resume?.experimentId ?? idOf(experiment, target, hash);
  const redis =
    options.redis === undefined
      ? null
      : await openRedisRun({
          ...{ choice: options.redis, experiment, experimentId, clock: real, onError },
          onProgress: options.onProgress ?? (() => undefined),
        });
  try {
    const prepared = { options, experiment, experimentId, real, hash };
    return options.redis?.processes === true && redis !== null
      ? await executeProcesses(redis, options.redis, prepared)
      : await executeWith(redis, prepared);
  } finally {
    await redis?.close().catch(onError);
  }
}

interface Prepared {
  readonly options: ExecuteOptions;
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly real: RealClock;
  readonly hash: string;
}

/** A folder of its own, with the spec in it. */
async function newFolder({ options, experiment, experimentId }: Prepared): Promise<string> {
  const folder = await createRunFolder(experimentId, options.out, options.root);
  await claim(join(folder, RUN_FILES.spec), `${JSON.stringify(experiment, null, 2)}\n`);
  return folder;
}

function provenanceOf({ experiment, hash }: Prepared): RunBasis['provenance'] {
  return {
    version: VERSION,
    commit: commit(),
    imageDigest: null,
    schemaVersion: 1,
    specHash: hash,
    seed: experiment.seed,
  };
}

/** All roles as processes; this one only keeps them up. */
async function executeProcesses(redis: RedisRun, choice: RedisChoice, prepared: Prepared): Promise<Executed> {
  const { options, experiment, experimentId, real } = prepared;
  const folder = await newFolder(prepared);
  const sizing = options.sizing ?? defaultSizing(experiment);
  await writeBasis(folder, { experimentId, sizing, provenance: provenanceOf(prepared) });
  return supervise({
    ...{ experiment, experimentId, clock: real, folder, redis: choice.redis, tools: choice.tools },
    ...{ run: redis.run, cluster: redis.cluster, queue: redis.queue },
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => undefined),
    ...{ onRun: options.onRun, onAlert: options.onAlert ?? (() => undefined), onError: options.onError },
  });
}

async function executeWith(redis: RedisRun | null, prepared: Prepared): Promise<Executed> {
  const { options, experiment, experimentId, real } = prepared;
  const { target, resume, onError } = options;
  const folder = await newFolder(prepared);

  const startsAt = resume?.takenAt ?? experiment.startAtMs;
  const virtual = target === 'rehearsal' ? new VirtualClock(startsAt, new Random(experiment.seed, 'ties')) : null;
  const clock: Clock = virtual ?? real;
  const sink = new FileSink(folder);
  // A rehearsal's faults are gone with its process; a live run's must be undone by whoever comes next.
  const faultFile = target === 'rehearsal' ? null : await FileFaultLedger.open(join(folder, RUN_FILES.faults), clock);
  const provenance = provenanceOf(prepared);
  const sizing = options.sizing ?? resume?.sizing ?? defaultSizing(experiment);
  const run = new ExperimentRun({
    experiment,
    sizing,
    experimentId,
    target,
    clock,
    sinks: [sink],
    faultLedger: faultFile ?? new MemoryFaultLedger(),
    provenance,
    ...(options.onAlert === undefined ? {} : { onAlert: options.onAlert }),
    onError,
    ...(resume === undefined ? {} : { resume }),
    ...(redis === null ? {} : { queue: redis.queue }),
  });
  const recorder = new Recorder(run, folder, sink, clock, target, experiment.durationMs, onError);
  let begun = false;
  let machine: MachineLag | null = null;
  try {
    await options.onRun(run, folder, () => recorder.write());
    // From its first moment on a run leaves enough for a report; and what writes it is compiled before tasks are sent.
    await recorder.write();
    if (target === 'local') await warmUp(experiment, sizing, provenance, onError);
    begun = true;
    // In a rehearsal nobody is late.
    if (target === 'local') machine = new MachineLag();
    const { end, input: told } = await carryOut(run, virtual);
    const machineLag = (await machine?.stop()) ?? null;
    const input = machineLag === null ? told : { ...told, machineLag };
    await recorder.close();
    const { experiment: _experiment, events: _events, ...record } = input;
    // The figures are there: a full disk must not keep them from whoever waits for them.
    await writeWhole(join(folder, RUN_FILES.record), recordToJson(record, true)).catch(onError);
    return { report: buildReport(input), end, folder };
  } catch (error) {
    await recorder.close();
    if (begun) await recorder.write().catch(onError);
    await sink.close();
    // Of a run that never began nothing is left lying about; all that is in its folder is its own.
    if (!begun) await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    await machine?.stop();
    await faultFile?.dispose();
  }
}

function idOf(experiment: Experiment, target: string, hash: string): string {
  const name = experiment.scenario ?? `phase-${experiment.phase}`;
  const start = new Date(experiment.startAtMs)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .replace('T', '-')
    .replace('Z', '');
  return target === 'rehearsal' ? `${name}-rehearsal-${hash.slice(0, 8)}` : `${name}-${target}-${start}`;
}

/** The commit the program was built from, `unknown` outside a checkout. */
function commit(): string {
  try {
    const head = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: __dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return head.trim();
  } catch {
    return 'unknown';
  }
}
