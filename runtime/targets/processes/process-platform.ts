import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.js';
import type { RedisEndpoint } from '../../queue/adapters/redis/redis-endpoint.js';
import { RUN_FILES } from '../../record/run-folder.js';
import type { Experiment } from '../../spec/experiment.js';
import { COORDINATOR_RESTART_MS, deployedAtStart } from '../assembly.js';
import type { ProcessPlatform } from '../platform.js';
import { AgentProcesses } from './agent-processes.js';
import { CoordinatorProcesses } from './coordinator-processes.js';
import { JournalReader } from './journal-reader.js';
import { rolePrograms } from './role-programs.js';

/** In the folder of a run: what all its processes wrote, and what the agents wrote down of their work. */
const LOG_FILE = 'processes.log';
const JOURNALS = 'journals';

export interface ProcessPlatformOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly redis: RedisEndpoint;
  readonly cluster: boolean;
  /** Name of the run in Redis. */
  readonly run: string;
  /** Of the run; holds its spec.json. */
  readonly folder: string;
  /** Told now and then how far the start is. */
  readonly onProgress: (text: string) => void;
  readonly onError: (error: unknown) => void;
  /** Calls the start off. */
  readonly signal: AbortSignal;
}

/**
 * Starts coordinators and agents as processes; resolves when the agents that the run begins with are attached to the
 * queue.
 *
 * @throws ExperimentError INTERNAL when one cannot be started, Aborted when the start was called off.
 */
export async function startProcesses(options: ProcessPlatformOptions): Promise<ProcessPlatform> {
  const { experiment, clock, folder, onProgress, onError, signal } = options;
  const programs = await mkdtemp(join(tmpdir(), 'agent-experiment-'));
  const log = createWriteStream(join(folder, LOG_FILE), { flags: 'a' });
  log.on('error', onError);
  const onText = (text: string): void => {
    log.write(`${text}\n`);
  };
  const env = environment(options);
  let agents: AgentProcesses | null = null;
  let coordinators: CoordinatorProcesses | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([agents?.close(), coordinators?.close()]);
    log.end();
    await rm(programs, { recursive: true, force: true });
  };
  try {
    onProgress('Making the programs of agents and coordinators');
    const program = await rolePrograms(['agent', 'coordinator'], programs);
    coordinators = new CoordinatorProcesses({
      ...{ replicas: experiment.fleet.coordinators, restartMs: COORDINATOR_RESTART_MS, clock, env, onText, onError },
      command: [process.execPath, program.coordinator],
    });
    coordinators.start();
    agents = new AgentProcesses({ experiment, clock, env, onText, command: [process.execPath, program.agent] });
    const count = deployedAtStart(experiment);
    const step = Math.max(1, Math.ceil(count / 10));
    const onReady = (ready: number): void => {
      if (ready % step === 0 || ready === count) onProgress(`${ready} of ${count} agent processes are ready`);
    };
    await agents.prepare(count, onReady, signal);
  } catch (error) {
    await close();
    throw error;
  }
  const [members, leaders] = [agents, coordinators];
  const journals = new JournalReader(join(folder, JOURNALS));
  return {
    members,
    observer: members,
    leadership: (duties, events) => leaders.leadership(duties, events),
    readJournals: (journal) => journals.read(journal),
    executor: { extraRateLimit: 0 },
    close,
  };
}

/** What every process of the run is told, beside what it needs of ours: PATH, keys of models. */
function environment({ redis, cluster, run, folder }: ProcessPlatformOptions): Record<string, string | undefined> {
  return {
    ...process.env,
    SPEC_FILE: join(folder, RUN_FILES.spec),
    RUN_ID: run,
    JOURNAL_DIR: join(folder, JOURNALS),
    PARENT_PIPE: 'true',
    REDIS_NODES: redis.nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(','),
    REDIS_CLUSTER: String(cluster),
    REDIS_USERNAME: redis.username ?? '',
    REDIS_PASSWORD: redis.password ?? '',
    REDIS_TLS: String(redis.tls),
    LISTEN_HOST: '127.0.0.1',
    // Any free one; nothing is asked of them here.
    HEALTH_PORT: '0',
    METRICS_PORT: '',
    POD_IP: '',
    NODE_NAME: '',
    ZONE: '',
  };
}
