import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ExperimentEvent, FaultRecord } from '../../runtime/observe/events.js';
import { EVENTS_FILE } from '../../runtime/record/files.js';
import { readNdjson } from '../../runtime/record/read-ndjson.js';
import { RUN_FILES } from '../../runtime/record/run-folder.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { Stage } from '../cli/stage.js';
import { RedisCluster } from './harness/cluster.js';
import { engineEnvironment } from './harness/engines.js';
import { until } from './harness/until.js';

/** Eight agents in four zones; one fault after the other, each on a fleet that is over the last one. */
const BROKEN = `
phase: 1
agents: 8
duration: 110s
load: { rate: 480/min }
tasks: { types: { quick: { share: 100%, mean: 700ms } } }
fleet: { reserve: 0 }
chaos:
  enabled: true
  injections:
    - { type: network_delay, latency: 150ms, duration: 10s, time: 5s }
    - { type: network_partition, zone: B, duration: 9s, time: 25s }
    - { type: slow_agents, percent: 25%, factor: 4, duration: 10s, time: 45s }
    - { type: rate_limit, percent: 60%, duration: 8s, time: 65s }
    - { type: redis_primary_kill, time: 85s }
`;

/** The process of a role of this run, by what it has been told; 0 = there is none. */
function pidOf(name: string, parent: number): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (!new RegExp(`^PPid:\\t${parent}$`, 'm').test(readFileSync(`/proc/${entry}/status`, 'utf8'))) continue;
      if (readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(`POD_NAME=${name}`)) return Number(entry);
    } catch {
      // It has just ended.
    }
  }
  return 0;
}

/** How long a killed node of Redis is away. */
const AWAY_MS = 4_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('faults on a run whose parts are processes', () => {
  let cluster: RedisCluster;
  let stage: Stage;
  let report: ExperimentReport;
  let events: readonly ExperimentEvent[];
  const over = new AbortController();

  /** Starts nodes that were killed again, as their platform would. */
  const bringBack = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const gone = cluster.nodes.find((node) => !node.running);
      await pause(gone === undefined ? 100 : AWAY_MS);
      if (gone !== undefined) await cluster.restart(gone);
    }
  };

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    stage = new Stage();
    stage.write('broken.yaml', BROKEN);
    const processes = Object.fromEntries(cluster.nodes.map((node) => [node.address, `${node.folder}/pid`]));
    const run = stage.spawnWith(
      { ...engineEnvironment(), REDIS_PROCESSES: JSON.stringify(processes) },
      ...['start', '--config', 'broken.yaml', '--target', 'local', '--redis', cluster.url, '--processes'],
    );
    const platform = bringBack();
    let ended = false;
    const outcome = run.ended.finally(() => (ended = true));
    const file = (name: string): string => stage.path('results', stage.onlyRun(), name);
    const delayed = async (): Promise<boolean> =>
      ended || readFileSync(file(RUN_FILES.faults), 'utf8').includes('"f1"');
    await until('the delay is on', 120_000, delayed, () => run.stderr);
    // While it is, whoever injected it dies without a word.
    await pause(2_500);
    process.kill(pidOf('chaos', run.pid), 'SIGKILL');
    const { stderr } = await outcome;
    over.abort();
    await platform;
    if (!existsSync(file(RUN_FILES.json))) throw new Error(stderr);
    report = JSON.parse(readFileSync(file(RUN_FILES.json), 'utf8')) as ExperimentReport;
    events = (await readNdjson(file(EVENTS_FILE))).lines as readonly ExperimentEvent[];
    const told = report.faults.map(({ type, detail, effectSeen, endSeen, serviceRecoveryMs }) => ({
      ...{ type, detail, effectSeen, endSeen, serviceRecoveryMs },
    }));
    console.log(JSON.stringify({ verdict: report.verdict, invalid: report.invalid, faults: told }, null, 1));
  });

  afterAll(async () => {
    over.abort();
    await cluster?.dispose();
    stage?.remove();
  });

  const fault = (type: string): FaultRecord => {
    const [found] = report.faults.filter((one) => one.type === type);
    if (found === undefined) throw new Error(`there was no ${type}`);
    return found;
  };
  const lastedMs = ({ injectedAt, endedAt }: FaultRecord): number => Number(endedAt) - injectedAt;

  it('loses nothing and counts nothing twice', () => {
    expect(report.ledger).toMatchObject({ submitted: 880, lost: 0, doubleCounted: 0, balanced: true });
    expect(report.summary.completedTasks + report.summary.failedTasks).toBe(880);
  });

  it.each(['network_delay', 'network_partition', 'slow_agents', 'rate_limit', 'redis_primary_kill'])(
    'sees the effect and the end of %s, and recovers',
    (type) => {
      expect(fault(type)).toMatchObject({ effectSeen: true, endSeen: true });
      expect(fault(type).serviceRecoveryMs).not.toBeNull();
    },
  );

  it('closes the fault of an injector that died, and goes on with the plan', () => {
    const delay = fault('network_delay');
    expect(delay.detail).toContain('left open by an injector that died');
    // Its lease would have ended it after 12 s.
    expect(lastedMs(delay)).toBeLessThan(12_000);
    expect(report.faults.map(({ id }) => id)).toEqual(['f1', 'f2', 'f3', 'f4', 'f5']);
  });

  it('runs the tasks of a zone that is cut off elsewhere', () => {
    const { subjects, injectedAt, endedAt } = fault('network_partition');
    expect(subjects).toEqual(['B']);
    const expired = events.filter(
      (event) =>
        event.type === 'agents' && event.change === 'expired' && event.at > injectedAt && event.at < Number(endedAt),
    );
    expect(expired).not.toEqual([]);
    expect(report.summary.expiredAttempts).toBeGreaterThan(0);
  });

  it('leaves no key behind', async () => {
    const keys = await Promise.all((await cluster.primaries()).map((node) => node.call('DBSIZE')));
    expect(keys).toEqual([0, 0, 0]);
  });
});
