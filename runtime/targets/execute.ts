import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileFaultLedger } from '../chaos/adapters/file-fault-ledger.js';
import { MemoryFaultLedger } from '../chaos/fault-ledger.js';
import type { RunEnd } from '../coordinator/run.js';
import { defaultSizing } from '../cost/deployment-sizing.js';
import type { Sizing } from '../cost/sizing.js';
import { Aborted, type Clock } from '../kernel/clock.js';
import { ExperimentError } from '../kernel/errors.js';
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
import type { ProcessPlatform } from './platform.js';
import { requireAgents } from './executors.js';
import { ExperimentRun } from './experiment-run.js';
import { Recorder } from './recorder.js';
import { openRedisRun, type RedisChoice, type RedisRun } from './redis-run.js';
import { recordToJson } from './run-record.js';
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
  readonly onRun: (run: ExperimentRun, folder: string, save: () => Promise<void>) => void | Promise<void>;
  readonly onAlert?: (alert: FiringAlert) => void;
  readonly onError: (error: unknown) => void;
}

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
    return await executeWith(redis, { options, experiment, experimentId, real, hash });
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

async function executeWith(
  redis: RedisRun | null,
  { options, experiment, experimentId, real, hash }: Prepared,
): Promise<Executed> {
  const { target, resume, onError } = options;
  const folder = await createRunFolder(experimentId, options.out, options.root);
  await claim(join(folder, RUN_FILES.spec), `${JSON.stringify(experiment, null, 2)}\n`);
  const platform = await startProcesses(redis, folder, options.signal);

  const startsAt = resume?.takenAt ?? experiment.startAtMs;
  const virtual = target === 'rehearsal' ? new VirtualClock(startsAt, new Random(experiment.seed, 'ties')) : null;
  const clock: Clock = virtual ?? real;
  const sink = new FileSink(folder);
  // A rehearsal's faults are gone with its process; a live run's must be undone by whoever comes next.
  const faultFile = target === 'rehearsal' ? null : await FileFaultLedger.open(join(folder, RUN_FILES.faults), clock);
  const provenance = {
    version: VERSION,
    commit: commit(),
    imageDigest: null,
    schemaVersion: 1,
    specHash: hash,
    seed: experiment.seed,
  };
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
    ...(platform === null ? {} : { platform }),
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

/** Agents and coordinators as processes, where they are to be; of a run that cannot be started nothing is left. */
async function startProcesses(
  redis: RedisRun | null,
  folder: string,
  signal = new AbortController().signal,
): Promise<ProcessPlatform | null> {
  try {
    return (await redis?.startProcesses(folder, signal)) ?? null;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!(error instanceof Aborted)) throw error;
    throw new ExperimentError('INTERNAL', 'The start was called off; nothing was left behind.', [], { cause: error });
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
