import { readFileSync } from 'node:fs';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { Stage, until } from '../cli/stage.js';
import { type SingleRedis, startSingleRedis } from './harness/server.js';

/** Tasks of half a second; two of eight agents are killed, and then the leading coordinator. */
const QUICK = `
phase: 1
agents: 8
duration: 20s
load: { rate: 600/min }
tasks: { types: { quick: { share: 100%, mean: 500ms } } }
fleet: { reserve: 0 }
chaos:
  enabled: true
  injections:
    - { type: agent_kill, percent: 25%, time: 5s }
    - { type: coordinator_failover, time: 8s }
`;

const PASSWORD = 'open-sesame';

/** FAIL or INVALID where the machine is too busy for the figures, not for the ledger. */
const ENDED = [0, 1, 3];

describe('start with a Redis', () => {
  let redis: SingleRedis;
  let url: string;
  const stages: Stage[] = [];

  beforeAll(async () => {
    redis = await startSingleRedis({ password: PASSWORD });
    url = `redis://:${PASSWORD}@${redis.server.address}`;
  });

  afterAll(async () => {
    for (const stage of stages) stage.remove();
    await redis?.dispose();
  });

  const staged = (): Stage => {
    const stage = new Stage();
    stages.push(stage);
    stage.write('quick.yaml', QUICK);
    return stage;
  };
  const start = (stage: Stage, ...argv: string[]) =>
    stage.spawn('start', '--config', 'quick.yaml', '--target', 'local', '--redis', url, ...argv);
  const reportOf = (stage: Stage): ExperimentReport =>
    JSON.parse(readFileSync(stage.path('results', stage.onlyRun(), 'report.json'), 'utf8')) as ExperimentReport;
  const keys = async (): Promise<unknown> => redis.server.call('DBSIZE');

  it.each([
    ['in one process', [], false],
    ['with every agent and coordinator a process', ['--processes'], true],
  ])('runs %s, is disturbed and loses nothing', async (_how, argv, processes) => {
    const stage = staged();
    const { exitCode, stderr } = await start(stage, ...argv).ended;
    expect(stderr).not.toContain(PASSWORD);
    expect(ENDED).toContain(exitCode);
    const report = reportOf(stage);
    expect(report.ledger).toMatchObject({
      submitted: 200,
      queued: 0,
      leased: 0,
      lost: 0,
      doubleCounted: 0,
      balanced: true,
    });
    expect(report.summary.completedTasks + report.summary.failedTasks).toBe(200);
    expect(report.provenance.queue).toMatchObject({ kind: 'redis', partitions: 1, processes });
    expect(report.faults.map(({ type }) => type).sort()).toEqual(['agent_kill', 'coordinator_failover']);
    for (const { serviceRecoveryMs } of report.faults) expect(serviceRecoveryMs).not.toBeNull();
    expect(report.agents.restarts).toBe(2);
    // Nothing is left in Redis.
    expect(await keys()).toBe(0);
  });

  it('ends all its processes when it is killed itself, and its report can be built', async () => {
    const stage = staged();
    const run = start(stage, '--processes', '--chaos=false');
    await stage.controllable();
    await run.says('%');
    const agents = async (): Promise<number> => {
      const clients = String(await redis.server.call('CLIENT', 'LIST'));
      return clients.split('\n').filter((line) => / name=(agent|coordinator)-/.test(line)).length;
    };
    expect(await agents()).toBeGreaterThanOrEqual(11);
    run.kill('SIGKILL');
    await run.ended;
    await until(async () => (await agents()) === 0, 5_000);
    const built = await stage.run('report', stage.onlyRun());
    expect(built.exitCode).toBe(0);
    expect(reportOf(stage).ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    await redis.server.call('FLUSHALL');
  });

  it('called off while its processes start leaves nothing behind', async () => {
    const stage = staged();
    const run = start(stage, '--processes');
    await run.says('agent processes are ready');
    run.kill('SIGINT');
    const { exitCode, stderr } = await run.ended;
    expect({ exitCode, keys: await keys() }).toEqual({ exitCode: 4, keys: 0 });
    expect(stderr).toContain('called off');
  });

  it('stops all processes at once by emergency-stop', async () => {
    const stage = staged();
    const run = start(stage, '--processes', '--chaos=false');
    await stage.controllable();
    await run.says('%');
    const stopped = await stage.run('emergency-stop');
    expect(stopped.stdout).toMatch(/^Everything is off, \d+ ms after the command\. Verdict: INVALID/);
    expect((await run.ended).exitCode).toBe(4);
    expect(reportOf(stage).ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    expect(await keys()).toBe(0);
  });

  it('refuses a wrong password and a Redis that forgets, before anything has begun', async () => {
    const stage = staged();
    const wrong = await stage.spawn(
      ...['start', '--config', 'quick.yaml', '--target', 'local'],
      ...['--redis', `redis://:wrong@${redis.server.address}`],
    ).ended;
    expect({ exitCode: wrong.exitCode, stdout: wrong.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toContain('lets nobody in');
    await redis.server.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const forgets = await start(stage).ended;
    await redis.server.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expect(forgets.exitCode).toBe(2);
    expect(forgets.stderr).toContain('noeviction');
    expect(() => stage.onlyRun()).toThrow('ENOENT');
  });
});
