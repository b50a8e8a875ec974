import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { openControlApi, type ControlApi } from '../../runtime/control/api.js';
import { ControlClient, type WatchMessage } from '../../runtime/control/client.js';
import { findLiveRun, type LiveRun } from '../../runtime/control/find-run.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { FakeRun } from './fake-run.js';

const clock = new RealClock();

let cwd: string;

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'client-')));
});

afterEach(() => {
  rmSync(cwd, { recursive: true });
});

function makeRun(name: string): string {
  const folder = join(cwd, 'results', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A run whose process has the number `pid`; nobody listens. */
function writeControl(name: string, pid: number, port = 9): LiveRun {
  const folder = makeRun(name);
  const control = { pid, port, token: 't', experimentId: name, startedAt: 0 };
  writeFileSync(join(folder, 'control.json'), JSON.stringify(control));
  return { folder, control };
}

/** The number of a process that has just ended. */
function deadPid(): number {
  return spawnSync('true').pid;
}

describe('finding the run that is meant', () => {
  test('the only live one needs no name; those that are over do not count', async () => {
    makeRun('over');
    writeControl('killed', deadPid());
    const { folder } = writeControl('live', process.pid);
    expect((await findLiveRun(undefined, cwd)).folder).toBe(folder);
  });

  test.each(['live', 'results/live', 'results/live/control.json'])('%s names it', async (choice) => {
    const { folder } = writeControl('live', process.pid);
    writeControl('other', process.pid);
    expect((await findLiveRun(choice, cwd)).folder).toBe(folder);
  });

  test('of several, one must be named: they are listed', async () => {
    writeControl('one', process.pid);
    writeControl('two', process.pid);
    await expect(findLiveRun(undefined, cwd)).rejects.toMatchObject({
      code: 'NO_RUN',
      message: expect.stringMatching(/2 runs are under way: say which one(.|\n)*--run (one|two)(.|\n)*--run (one|two)/),
    });
  });

  test('without any, it says how to start one', async () => {
    await expect(findLiveRun(undefined, cwd)).rejects.toMatchObject({
      code: 'NO_RUN',
      message: expect.stringContaining('--target local'),
    });
  });

  test('a run that was killed is told as such, with the command that builds its report', async () => {
    writeControl('killed', deadPid());
    for (const choice of [undefined, 'killed']) {
      await expect(findLiveRun(choice, cwd)).rejects.toMatchObject({
        code: 'NO_RUN',
        message: expect.stringMatching(/ended without a word(.|\n)*report results\/killed/),
      });
    }
  });

  test('a control file that is damaged is none', async () => {
    writeFileSync(join(makeRun('odd'), 'control.json'), '{"pid": 1');
    await expect(findLiveRun('odd', cwd)).rejects.toMatchObject({ code: 'NO_RUN' });
  });
});

describe('talking to a run', () => {
  let run: FakeRun;
  let api: ControlApi;
  let client: ControlClient;

  beforeEach(async () => {
    run = new FakeRun();
    api = await openControlApi({ run, folder: makeRun('live'), clock });
    client = new ControlClient(await findLiveRun(undefined, cwd), clock);
  });

  afterEach(() => api.close());

  test('brings the status and what a command answers', async () => {
    expect(await client.status()).toEqual(run.status());
    expect(await client.command('scale', { agents: 7 })).toEqual({ state: 'running', agents: 7 });
  });

  test('brings refusals as the errors they were', async () => {
    run.state = 'paused';
    await expect(client.command('pause')).rejects.toMatchObject({
      code: 'WRONG_STATE',
      headline: 'cannot pause: the run is paused',
      problems: [{ path: 'pause', value: 'paused', message: 'possible while the run is running' }],
    });
  });

  test('watches status and events until the run ends', async () => {
    const seen: WatchMessage[] = [];
    for await (const message of client.watch(new AbortController().signal)) {
      seen.push(message);
      if (seen.length === 1) {
        run.emit({ type: 'control', at: 1, command: 'pause', by: 'operator', detail: 'two\n\nlines' });
        run.sample();
      }
      if (seen.length === 3) await api.close();
    }
    expect(seen).toEqual([
      { type: 'status', status: run.status() },
      { type: 'event', event: { type: 'control', at: 1, command: 'pause', by: 'operator', detail: 'two\n\nlines' } },
      { type: 'status', status: run.status() },
      { type: 'end', status: run.status() },
    ]);
  });

  test('stops watching when it is told to', async () => {
    const calledOff = new AbortController();
    for await (const message of client.watch(calledOff.signal)) {
      expect(message.type).toBe('status');
      calledOff.abort();
    }
  });
});

describe('a run that cannot be talked to', () => {
  let server: Server | null = null;

  afterEach(() => {
    server?.close();
  });

  test('a process that does not answer in time is said to be silent, with the way out', async () => {
    const silent = createServer(() => {});
    server = silent;
    await new Promise<void>((ready) => {
      silent.listen(0, '127.0.0.1', ready);
    });
    silent.unref();
    const { port } = silent.address() as { port: number };
    const client = new ControlClient(writeControl('silent', process.pid, port), clock, 100);
    await expect(client.status()).rejects.toMatchObject({
      code: 'NO_ANSWER',
      exitCode: 2,
      message: expect.stringContaining('emergency-stop'),
    });
  });

  test('where nobody listens any more, the process number belongs to somebody else', async () => {
    const client = new ControlClient(writeControl('gone', process.pid, 9), clock);
    await expect(client.status()).rejects.toMatchObject({ code: 'NO_RUN' });
  });
});
