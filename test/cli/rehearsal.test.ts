import { cpSync, existsSync, readdirSync, readFileSync, truncateSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fakeIo, QUICK, Stage, until } from './stage.js';

const FILES = [
  'events.ndjson.gz',
  'metrics.ndjson.gz',
  'record.json',
  'report.html',
  'report.json',
  'report.md',
  'spec.json',
];

jest.setTimeout(30_000);

describe('a rehearsal from the command line', () => {
  const stage = new Stage();
  const start = ['start', '--config', 'quick.yaml', '--target', 'rehearsal'];

  beforeAll(() => {
    stage.write('quick.yaml', QUICK);
  });

  afterAll(() => {
    stage.remove();
  });

  test('ends with 0, the verdict, the files it announces, and what to type next', async () => {
    const { exitCode, stdout, stderr } = await stage.run(...start);
    expect(exitCode).toBe(0);
    const run = stage.onlyRun();
    expect(readdirSync(stage.path('results', run)).sort()).toEqual(FILES);
    expect(stdout).toContain('✓ PASS');
    expect(stdout).toContain(`results/${run}/report.html`);
    expect(stdout).toContain('./experiment.sh start --config quick.yaml --target local --duration 2m');
    expect(stdout).toContain(`./experiment.sh compare results/${run} RUN…`);
    expect(stderr).toContain('Agents: 10 × 4 slots');
    const shares = [...stderr.matchAll(/^ *(\d+)% {2}\d\d:\d\d of 10:00/gm)].map(([, share]) => Number(share));
    expect(shares).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  });

  test('never fails on a folder that exists: it takes the next free name, which is no part of the report', async () => {
    const [first] = readdirSync(stage.path('results'));
    expect((await stage.run(...start)).exitCode).toBe(0);
    const names = readdirSync(stage.path('results'));
    expect(names.sort()).toEqual([first, `${first}-2`]);
    const [one, two] = names.map((name) => readFileSync(stage.path('results', name, 'report.json'), 'utf8'));
    expect(one).toBe(two);
    const [events, again] = names.map((name) =>
      gunzipSync(readFileSync(stage.path('results', name, 'events.ndjson.gz'))).toString(),
    );
    expect(events).toBe(again);
  });

  test('--json prints report.json and nothing else on standard output', async () => {
    const { exitCode, stdout, stderr } = await stage.run(...start, '--json', '--out', 'json');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(readFileSync(stage.path('json', 'report.json'), 'utf8'));
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'PASS', metadata: { target: 'rehearsal', agents: 10 } });
    expect(stderr).toContain('100%');
  });

  test('--report=false leaves out what is for people', async () => {
    await stage.run(...start, '--report=false', '--out', 'bare');
    expect(existsSync(stage.path('bare', 'report.json'))).toBe(true);
    expect(existsSync(stage.path('bare', 'report.html'))).toBe(false);
  });

  test('--lang ja writes the report and the summary in Japanese', async () => {
    const { stdout } = await stage.run(...start, '--lang', 'ja', '--out', 'ja');
    expect(stdout).toContain('必須基準をすべて満たしました。');
    expect(readFileSync(stage.path('ja', 'report.md'), 'utf8')).toContain('スループット');
  });

  test('a missed criterion ends with 1', async () => {
    stage.write('failing.yaml', `${QUICK}simulation: { failureRate: 60% }\n`);
    const argv = ['start', '--config', 'failing.yaml', '--target', 'rehearsal', '--duration', '2min'];
    const { exitCode, stdout } = await stage.run(...argv, '--out', 'failing', '--force');
    expect(stdout).toContain('✗ FAIL');
    expect(exitCode).toBe(1);
  });

  test('a terminal gets one line that is redrawn, and taken away at the end', async () => {
    const io = fakeIo(stage.folder, true);
    await stage.runWith(io, ...start, '--out', 'tty');
    const [before, ...drawn] = io.written.stderr.split('\r\u001b[2K');
    expect(before).toContain('Phase 1');
    expect(drawn.length).toBeGreaterThan(1);
    expect(drawn.at(-1)).toBe('');
    for (const line of drawn.slice(0, -1)) expect(line).toMatch(/^[█░]{4,24} +\d+% {2}\d\d:\d\d of 10:00 {2}×/);
    for (const line of drawn) expect(line.length).toBeLessThan(100);
  });

  test('Ctrl-C lets running tasks finish, and leaves a report of what there was', async () => {
    const { io, outcome } = await interrupted('once', ['SIGINT']);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toContain('Ctrl-C: no new tasks');
    const report = JSON.parse(readFileSync(stage.path('once', 'report.json'), 'utf8'));
    expect(report.metadata).toMatchObject({ cutShort: true, cutShortReason: 'drained by Ctrl-C' });
    expect(report.ledger).toMatchObject({ lost: 0, queued: 0, leased: 0, balanced: true });
    expect(report.summary.completedTasks).toBe(report.summary.totalTasks);
    expect(io.written.stdout).toContain('The run was cut short: drained by Ctrl-C');
  });

  test('a second Ctrl-C aborts: exit code 4, and a report all the same', async () => {
    const { outcome } = await interrupted('twice', ['SIGINT', 'SIGINT']);
    expect(outcome.exitCode).toBe(4);
    const report = JSON.parse(readFileSync(stage.path('twice', 'report.json'), 'utf8'));
    expect(report).toMatchObject({ verdict: 'INVALID', metadata: { cutShortReason: 'emergency stop by Ctrl-C' } });
    expect(report.ledger).toMatchObject({ lost: 0, balanced: true });
  });

  test('an error nobody caught ends the run with 4, its message, and a report', async () => {
    const { outcome } = await interrupted('crashed', [], (io) => {
      io.crash(new Error('out of luck'));
    });
    expect(outcome.exitCode).toBe(4);
    expect(outcome.stderr).toContain('An internal error, which ends the run: Error: out of luck');
    expect(existsSync(stage.path('crashed', 'report.json'))).toBe(true);
  });

  /** Starts a rehearsal of a month, and does something to it as soon as it is under way. */
  async function interrupted(
    out: string,
    signals: readonly string[],
    act: (io: ReturnType<typeof fakeIo>) => void = () => {},
  ) {
    const io = fakeIo(stage.folder, true);
    const running = stage.runWith(io, ...start, '--duration', '30d', '--force', '--out', out);
    await until(() => io.written.stderr.includes('running'));
    for (const signal of signals) io.signal(signal);
    act(io);
    return { io, outcome: await running };
  }
});

describe('report', () => {
  const stage = new Stage();
  const chaotic = ['--phase', '3', '--duration', '40min'];

  beforeAll(async () => {
    await stage.run('start', ...chaotic, '--target', 'rehearsal', '--out', 'whole');
  });

  afterAll(() => {
    stage.remove();
  });

  function copy(name: string): string {
    rmSync(stage.path(name), { recursive: true, force: true });
    cpSync(stage.path('whole'), stage.path(name), { recursive: true });
    return stage.path(name);
  }

  test('builds the report of a run again, byte for byte', async () => {
    const before = copy('again');
    for (const file of ['report.json', 'report.md', 'report.html']) rmSync(`${before}/${file}`);
    const { exitCode, stdout } = await stage.run('report', 'again');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('again/report.html');
    for (const file of ['report.json', 'report.md', 'report.html']) {
      expect(readFileSync(stage.path('again', file), 'utf8')).toBe(readFileSync(stage.path('whole', file), 'utf8'));
    }
    expect(JSON.parse(readFileSync(stage.path('again', 'report.json'), 'utf8')).faults.length).toBeGreaterThan(0);
  });

  test('reads events that were cut off in the middle as far as they go, and says so', async () => {
    const folder = copy('cut');
    truncateSync(`${folder}/events.ndjson.gz`, 400);
    const { exitCode, stderr } = await stage.run('report', 'cut');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/events\.ndjson\.gz is damaged or missing: the report lacks what happened after 20/);
  });

  test.each([
    ['record.json', 'missing', 'left are events.ndjson.gz, metrics.ndjson.gz'],
    ['record.json', 'damaged', 'the record of the run cannot be read'],
    ['spec.json', 'missing', 'left are events.ndjson.gz, metrics.ndjson.gz'],
    ['spec.json', 'damaged', 'spec.json'],
  ])('without a usable %s (%s) it says what is left', async (file, how, says) => {
    const folder = copy('broken');
    if (how === 'missing') rmSync(`${folder}/${file}`);
    else truncateSync(`${folder}/${file}`, 300);
    const { exitCode, stdout, stderr } = await stage.run('report', 'broken');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/\n +at /);
  });

  test('a run that is not there is answered with the nearest one there is', async () => {
    cpSync(stage.path('whole'), stage.path('results', 'phase-3-rehearsal-abc'), { recursive: true });
    const { exitCode, stderr } = await stage.run('report', 'phase-3-rehersal-abc');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('did you mean phase-3-rehearsal-abc?');
  });

  test('compare sets runs side by side, by name, folder or file', async () => {
    const { exitCode, stdout } = await stage.run('compare', 'phase-3-rehearsal-abc', 'whole/report.json');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('| Agents');
    expect((await stage.run('compare', 'whole', '--json')).stdout).toMatch(/^\{/);
  });

  test('compare names the file it cannot read', async () => {
    const folder = copy('unreadable');
    writeFileSync(`${folder}/report.json`, '{"verdict": "MAYBE"}');
    const { exitCode, stderr } = await stage.run('compare', 'whole', 'unreadable');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unreadable/report.json: verdict');
    expect(stderr).toContain('./experiment.sh report unreadable');
  });
});
