import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { run } from '../hygiene/tree.js';
import { fakeIo, QUICK, Stage, until, type Outcome } from './stage.js';

const LIVE = ['start', '--config', 'quick.yaml', '--target', 'local', '--duration', '1min'];

/** FAIL, as it did not last; INVALID where the machine is too busy for its dispatch to be in time. */
const CUT_SHORT = [1, 3];

jest.setTimeout(30_000);

describe('a live run, controlled from another terminal', () => {
  const stage = new Stage();
  let folder: string;
  let report: ExperimentReport;
  let ended: Promise<Outcome>;
  let live: ReturnType<Stage['spawn']>;

  beforeAll(async () => {
    stage.write('quick.yaml', QUICK);
    live = stage.spawn(...LIVE);
    ended = live.ended;
    folder = await stage.controllable();
    await live.says('%');
  });

  afterAll(() => {
    live.kill('SIGKILL');
    stage.remove();
  });

  test('only its owner may read how to control it', () => {
    expect(statSync(`${folder}/control.json`).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(`${folder}/control.json`, 'utf8'))).toMatchObject({ pid: live.pid });
  });

  test('status shows the dashboard in small, or all of it as JSON', async () => {
    const { exitCode, stdout } = await stage.run('status');
    expect(exitCode).toBe(0);
    for (const text of ['running', '10 active, target 10', 'max 500', 'target 5.0 s', 'Zones', 'CPU']) {
      expect(stdout).toContain(text);
    }
    const { stdout: json } = await stage.run('status', '--json');
    expect(JSON.parse(json)).toMatchObject({ state: 'running', target: 'local', durationMs: 60_000 });
  });

  test('pause stops the arrivals and resume goes on; out of turn they name the state', async () => {
    expect((await stage.run('pause')).exitCode).toBe(0);
    const twice = await stage.run('pause');
    expect(twice).toMatchObject({ exitCode: 2, stdout: '' });
    expect(twice.stderr).toContain('cannot pause: the run is paused');
    const before = JSON.parse((await stage.run('status', '--json')).stdout);
    await fakeIo(stage.folder).clock.sleep(500);
    const after = JSON.parse((await stage.run('status', '--json')).stdout);
    expect(after).toMatchObject({ state: 'paused', elapsedMs: before.elapsedMs });
    expect(after.counts.submitted).toBe(before.counts.submitted);
    expect((await stage.run('resume')).exitCode).toBe(0);
    expect((await stage.run('resume')).stderr).toContain('cannot resume: the run is running');
  });

  test('scale changes the number of agents, within what the experiment allows', async () => {
    expect((await stage.run('scale', '14')).exitCode).toBe(0);
    await until(async () => JSON.parse((await stage.run('status', '--json')).stdout).latest.agents.target === 14);
    expect((await stage.run('scale', '900')).stderr).toContain('must be from 1 to 250');
    expect((await stage.run('scale', 'many')).stderr).toContain('must be a whole number');
    expect((await stage.run('scale', '0')).exitCode).toBe(2);
  });

  test('chaos can be switched, where there are faults to inject', async () => {
    expect((await stage.run('chaos', 'off')).stdout).toContain('Chaos is off');
    expect((await stage.run('chaos', 'perhaps')).stderr).toContain('must be one of on, off');
  });

  test('watch shows the events as they come, and Ctrl-C ends the view, not the run', async () => {
    const io = fakeIo(stage.folder);
    const watching = stage.runWith(io, 'watch');
    await until(() => io.written.stdout.includes('%'));
    await stage.run('pause');
    await stage.run('resume');
    await until(() => io.written.stdout.includes('paused → running'));
    io.signal('SIGINT');
    expect((await watching).exitCode).toBe(0);
    expect(io.written.stdout).toContain('running → paused: paused by operator');
    expect(JSON.parse((await stage.run('status', '--json')).stdout).state).toBe('running');
  });

  test('its report is not built behind its back, and it is not taken up while it lives', async () => {
    expect(await stage.run('report', stage.onlyRun())).toMatchObject({ exitCode: 2, stdout: '' });
    await stage.run('snapshot');
    const resumed = await stage.run('start', '--resume', stage.onlyRun());
    expect(resumed.exitCode).toBe(2);
    expect(resumed.stderr).toContain('two must not carry out one run');
  });

  test('drain waits until every accepted task is finished, then stop ends the run with its report', async () => {
    const drained = await stage.run('drain', '--timeout=20s');
    expect(drained).toMatchObject({ exitCode: 0 });
    expect(drained.stdout).toContain('Drained: every task is finished.');
    expect((await stage.run('drain')).stderr).toContain('cannot drain: the run is draining');
    const snapshot = await stage.run('snapshot');
    expect(snapshot.stdout).toContain('snapshot.json');
    const stopped = await stage.run('stop');
    expect(stopped.stdout).toMatch(/^Stopped\. Verdict: (FAIL|INVALID)\. Report: results\/.*\/report\.html\n$/);
    const outcome = await ended;
    expect(CUT_SHORT).toContain(outcome.exitCode);
    expect(outcome.stdout).toContain('./experiment.sh start --resume results/');
    report = JSON.parse(readFileSync(`${folder}/report.json`, 'utf8')) as ExperimentReport;
    expect(report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, queued: 0, leased: 0, balanced: true });
    // How late the machine itself was, beside how late its tasks were sent.
    const { machineLag } = report.performance;
    expect(machineLag?.max).toBeGreaterThanOrEqual(machineLag?.p50 ?? Infinity);
    expect(report.states.map(({ to }: { to: string }) => to)).toEqual([
      'running',
      ...['paused', 'running', 'paused', 'running'],
      ...['draining', 'stopped'],
    ]);
    expect(existsSync(`${folder}/control.json`)).toBe(false);
  });

  test('when it is over there is nothing to control, and emergency-stop is content with that', async () => {
    for (const command of ['status', 'watch', 'pause', 'stop']) {
      const { exitCode, stderr } = await stage.run(command);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('no run is under way here');
    }
    expect(await stage.run('emergency-stop')).toMatchObject({ exitCode: 0, stdout: 'Nothing is running here.\n' });
  });

  test('the run is taken up from its snapshot, and its report tells of both parts', async () => {
    const io = fakeIo(stage.folder);
    const resumed = stage.runWith(io, 'start', '--resume', stage.onlyRun(), '--out', 'resumed');
    await until(() => existsSync(stage.path('resumed', 'control.json')) && io.written.stderr.includes('%'));
    const stopped = await stage.run('emergency-stop', '--run', 'resumed');
    expect(stopped.stdout).toMatch(/^Everything is off, \d+ ms after the command\. Verdict: INVALID/);
    expect((await resumed).exitCode).toBe(4);
    const again = JSON.parse(readFileSync(stage.path('resumed', 'report.json'), 'utf8'));
    expect(again.metadata.startTime).toBe(report.metadata.startTime);
    expect(again.summary.totalTasks).toBeGreaterThanOrEqual(report.summary.totalTasks);
    expect(again.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    const before = readFileSync(stage.path('resumed', 'report.json'), 'utf8');
    await stage.run('report', 'resumed');
    expect(readFileSync(stage.path('resumed', 'report.json'), 'utf8')).toBe(before);
  });
});

describe('ways out of a live run', () => {
  const stages = { once: new Stage(), twice: new Stage(), killed: new Stage(), term: new Stage() };

  afterAll(() => {
    for (const stage of Object.values(stages)) stage.remove();
  });

  test('Ctrl-C once drains, twice aborts, SIGTERM drains; each leaves a report; kill -9 leaves enough for one', async () => {
    const runs = Object.entries(stages).map(([name, stage]) => {
      stage.write('quick.yaml', QUICK);
      return { name, stage, run: stage.spawn(...LIVE) };
    });
    await Promise.all(
      runs.map(async ({ name, stage, run }) => {
        await stage.controllable();
        await run.says('%');
        await fakeIo(stage.folder).clock.sleep(1_500);
        if (name === 'killed') {
          run.kill('SIGKILL');
        } else if (name === 'term') {
          run.kill('SIGTERM');
        } else {
          run.kill('SIGINT');
          if (name === 'twice') {
            await run.says('Ctrl-C: no new tasks');
            run.kill('SIGINT');
          }
        }
      }),
    );
    const [once, twice, killed, term] = await Promise.all(runs.map(({ run }) => run.ended));
    expect([twice?.exitCode, killed?.exitCode]).toEqual([4, -1]);
    for (const drained of [once, term]) expect(CUT_SHORT).toContain(drained?.exitCode);
    expect(reportOf(stages.once).metadata.cutShortReason).toBe('drained by Ctrl-C');
    expect(reportOf(stages.once).ledger).toMatchObject({ queued: 0, leased: 0, lost: 0 });
    expect(reportOf(stages.term).metadata.cutShortReason).toBe('drained by SIGTERM');
    expect(reportOf(stages.twice)).toMatchObject({ verdict: 'INVALID', ledger: { balanced: true, lost: 0 } });

    const stage = stages.killed;
    const status = await stage.run('status');
    expect(status.exitCode).toBe(2);
    expect(status.stderr).toContain('the run ended without a word');
    expect(status.stderr).toContain(`./experiment.sh report results/${stage.onlyRun()}`);
    expect((await stage.run('check')).stdout).toContain('ended without a word');
    const built = await stage.run('report', stage.onlyRun());
    expect(built.exitCode).toBe(0);
    expect(built.stderr).toContain('the process ended without a word; figures up to 20');
    const report = reportOf(stage);
    expect(report).toMatchObject({ verdict: 'INVALID', metadata: { cutShort: true } });
    expect(report.summary.totalTasks).toBeGreaterThan(0);
    expect((await stage.run('check')).exitCode).toBe(0);
  });

  function reportOf(stage: Stage): ExperimentReport {
    return JSON.parse(readFileSync(stage.path('results', stage.onlyRun(), 'report.json'), 'utf8')) as ExperimentReport;
  }
});

describe('a disk that takes no more', () => {
  const stage = new Stage();

  /** A file that may not grow beyond so many blocks of 512 bytes fails as a full disk does, without one. */
  function startWith(blocks: number, out: string): Promise<Outcome> {
    stage.write('quick.yaml', QUICK);
    const launcher = resolve(__dirname, '../../experiment.sh');
    const argv = ['start', '--config', 'quick.yaml', '--target', 'rehearsal', '--duration', '2h', '--out', out];
    return run('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, launcher, ...argv], stage.folder);
  }

  afterAll(() => {
    stage.remove();
  });

  test('costs the files, not the figures: they are printed, nothing is left half-written, and the exit code is 2', async () => {
    const failure = await startWith(32, 'full');
    expect(failure.exitCode).toBe(2);
    expect(failure.stdout).toContain('✓ PASS');
    expect(failure.stderr).toMatch(/The record \(files\) is not complete: EFBIG.*records dropped/);
    expect(failure.stderr).toContain('report.json: EFBIG');
    // What could be written is whole, and enough for a report once there is room again.
    const built = await stage.run('report', 'full');
    expect(built.exitCode).toBe(0);
    expect(built.stderr).toContain('figures up to');
  });

  test('from the start is told before anything has begun, and leaves nothing behind', async () => {
    const failure = await startWith(1, 'never');
    expect({ ...failure, stderr: '' }).toEqual({ exitCode: 2, stdout: '', stderr: '' });
    expect(failure.stderr).toMatch(/a file could not be written\n.*never\/.*EFBIG/);
    expect(existsSync(stage.path('never'))).toBe(false);
  });
});
