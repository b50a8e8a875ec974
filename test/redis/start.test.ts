import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { Stage, until, type Spawned } from '../cli/stage.js';
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

/** Nothing is broken by plan; the test does that. */
const LONGER = QUICK.replace('duration: 20s', 'duration: 30s').replace('enabled: true', 'enabled: false');

const PASSWORD = 'open-sesame';

/** The process of a role, by what it has been told; 0 = there is none. */
function pidOf(name: string, parent: number): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parentOf = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1]);
      if (parentOf !== parent) continue;
      if (readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0').includes(`POD_NAME=${name}`)) return Number(entry);
    } catch {
      // It has just ended.
    }
  }
  return 0;
}

/** A dozen processes on a machine that may be busy with others. */
const STARTED_MS = 90_000;

/** FAIL or INVALID where the machine is too busy for the figures, not for the ledger. */
const ENDED = [0, 1, 3];

describe('start with a Redis', () => {
  let redis: SingleRedis;
  let url: string;
  const stages: Stage[] = [];
  const runs: Spawned[] = [];

  beforeAll(async () => {
    redis = await startSingleRedis({ password: PASSWORD });
    url = `redis://:${PASSWORD}@${redis.server.address}`;
  });

  afterAll(async () => {
    for (const stage of stages) stage.remove();
    await redis?.dispose();
  });

  // Whatever a test comes to, its run does not outlive it.
  afterEach(() => {
    for (const run of runs.splice(0)) run.kill('SIGKILL');
  });

  const staged = (): Stage => {
    const stage = new Stage();
    stages.push(stage);
    stage.write('quick.yaml', QUICK);
    return stage;
  };
  const start = (stage: Stage, ...argv: string[]) => {
    const run = stage.spawn('start', '--config', 'quick.yaml', '--target', 'local', '--redis', url, ...argv);
    runs.push(run);
    return run;
  };
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
    await stage.controllable(STARTED_MS);
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

  it('goes on when load generator, autoscaler and leader are killed in the middle, and loses nothing', async () => {
    const stage = staged();
    stage.write('quick.yaml', LONGER);
    const run = start(stage, '--processes');
    await stage.controllable(STARTED_MS);
    const kill = async (name: string): Promise<void> => {
      const before = pidOf(name, run.pid);
      expect(before).toBeGreaterThan(0);
      process.kill(before, 'SIGKILL');
      if (name.startsWith('coordinator')) return;
      await until(() => ![0, before].includes(pidOf(name, run.pid)));
    };
    const completed = async (): Promise<number> => {
      const { stdout } = await stage.run('status', '--json');
      return (JSON.parse(stdout) as { counts: { completed: number } }).counts.completed;
    };
    await until(async () => (await completed()) > 20, 15_000);
    await kill('load-generator');
    await kill('autoscaler');
    const { stdout } = await stage.run('status', '--json');
    await kill((JSON.parse(stdout) as { leader: string }).leader);
    const { exitCode, stderr } = await run.ended;
    expect(ENDED).toContain(exitCode);
    const report = reportOf(stage);
    expect(report.ledger).toMatchObject({ submitted: 300, lost: 0, doubleCounted: 0, balanced: true });
    expect(report.summary.completedTasks + report.summary.failedTasks).toBe(300);
    // It was sent late while nobody was there to send it; it was not left out.
    expect(report.load).toMatchObject({ scheduled: 300, sent: 300, dropped: 0 });
    expect({ stderr, keys: await keys() }).toMatchObject({ keys: 0 });
  });

  it('is stopped from outside, and says so in its report', async () => {
    const stage = staged();
    const run = start(stage, '--processes', '--chaos=false');
    await stage.controllable(STARTED_MS);
    await run.says('%');
    expect((await stage.run('pause')).exitCode).toBe(0);
    expect((await stage.run('pause')).stderr).toContain('the run is paused');
    expect((await stage.run('resume')).exitCode).toBe(0);
    expect((await stage.run('scale', '10')).exitCode).toBe(0);
    expect((await stage.run('stop')).exitCode).toBe(0);
    await run.ended;
    const report = reportOf(stage);
    expect(report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    expect(await keys()).toBe(0);
  });

  it('is INVALID when the monitor is lost: half a measurement is none', async () => {
    const stage = staged();
    const run = start(stage, '--processes', '--chaos=false');
    await stage.controllable(STARTED_MS);
    await until(() => existsSync(stage.path('results', stage.onlyRun(), 'record.json')));
    process.kill(pidOf('monitor', run.pid), 'SIGKILL');
    const { exitCode, stderr } = await run.ended;
    expect(stderr).toContain('monitor was ended by SIGKILL: the run cannot go on');
    expect(exitCode).toBe(4);
    const report = reportOf(stage);
    expect(report.verdict).toBe('INVALID');
    expect(JSON.stringify(report)).toContain('monitor was ended by SIGKILL; figures up to');
    expect(await keys()).toBe(0);
  });

  it('called off while its processes start leaves nothing behind', async () => {
    const stage = staged();
    const run = start(stage, '--processes');
    await run.says('agent processes are ready', STARTED_MS);
    run.kill('SIGINT');
    const { exitCode, stderr } = await run.ended;
    expect({ exitCode, keys: await keys() }).toEqual({ exitCode: 4, keys: 0 });
    expect(stderr).toContain('called off');
  });

  it('stops all processes at once by emergency-stop', async () => {
    const stage = staged();
    const run = start(stage, '--processes', '--chaos=false');
    await stage.controllable(STARTED_MS);
    await run.says('%');
    const stopped = await stage.run('emergency-stop');
    expect(stopped.stdout).toMatch(/^Everything is off, \d+ ms after the command\. Verdict: INVALID/);
    expect((await run.ended).exitCode).toBe(4);
    expect(reportOf(stage).ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    expect(await keys()).toBe(0);
  });

  it('stops at once by emergency-stop also when Redis is gone, and reports what is known', async () => {
    const stage = staged();
    const gone = await startSingleRedis();
    try {
      const address = `redis://${gone.server.address}`;
      const argv = ['start', '--config', 'quick.yaml', '--target', 'local', '--redis', address];
      const run = stage.spawn(...argv, '--processes', '--chaos=false');
      runs.push(run);
      await stage.controllable(STARTED_MS);
      await until(() => existsSync(stage.path('results', stage.onlyRun(), 'record.json')));
      await gone.server.kill();
      const stopped = await stage.run('emergency-stop');
      expect(stopped.stdout).toMatch(/^Everything is off, \d+ ms after the command\. Verdict: INVALID/);
      expect(Number(/(\d+) ms/.exec(stopped.stdout)?.[1])).toBeLessThan(2_000);
      expect((await run.ended).exitCode).toBe(4);
      expect(JSON.stringify(reportOf(stage))).toContain('no coordinator confirmed it');
    } finally {
      await gone.dispose();
    }
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
