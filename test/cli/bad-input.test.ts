import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { QUICK, Stage } from './stage.js';

/** A quick experiment with one more section, or another value of one. */
function quickWith(text: string): string {
  const key = text.slice(0, text.indexOf(':'));
  return `${QUICK.split('\n')
    .filter((line) => !line.startsWith(`${key}:`))
    .join('\n')}\n${text}\n`;
}

jest.setTimeout(30_000);

const LOCAL = ['--phase', '1', '--target', 'local'];
const REHEARSAL = ['--phase', '1', '--target', 'rehearsal'];

describe('bad input ends with exit code 2, one message that says what to do, and nothing half-written', () => {
  const stage = new Stage();

  afterAll(() => {
    stage.remove();
  });

  test.each<[what: string, yaml: string, ...says: string[]]>([
    ['a misspelt key', quickWith('fleet: { slotz: 3 }'), 'fleet.slotz', 'did you mean "slots"?', 'line'],
    ['a rate without a unit', quickWith('load: { rate: 500 }'), 'load.rate', '500/min'],
    ['a duration in a wrong unit', quickWith('duration: 5/min'), 'duration', 'such as 72h'],
    ['a negative duration', quickWith('duration: -5min'), 'duration', 'cannot be negative'],
    ['no agents at all', quickWith('agents: -3'), 'agents', '-3'],
    [
      'a task mix that does not sum to 100 %',
      quickWith('tasks: { types: { a: { share: 50%, mean: 1s }, b: { share: 40%, mean: 1s } } }'),
      'tasks.types',
      '90',
    ],
    [
      'scaling weights that do not sum to 1',
      quickWith('horizontalScaling: { triggerMetrics: { queue_depth: { weight: 0.9 } } }'),
      'horizontalScaling',
      'sum',
    ],
    [
      'a minimum above the maximum',
      quickWith('horizontalScaling: { actions: { scaleUp: { max: 20 }, scaleDown: { min: 30 } } }'),
      'horizontalScaling.actions',
      '30',
    ],
    [
      'a fault that lasts longer than the run',
      quickWith(
        'chaos: { enabled: true, injections: [{ type: network_delay, latency: 500ms, interval: 1h, duration: 2h }] }',
      ),
      'chaos.injections',
    ],
    ['YAML cut off in the middle', quickWith('fleet: { slots: 3'), 'cannot be read as YAML', 'is the file complete?'],
    ['an empty file', '', 'is empty'],
    ['a file of something else', 'just words', 'no experiment'],
  ])('%s', async (_what, yaml, ...says) => {
    stage.write('bad.yaml', yaml);
    const { exitCode, stdout, stderr } = await stage.run('start', '--config', 'bad.yaml', '--target', 'rehearsal');
    for (const text of says) expect(stderr).toContain(text);
    expect(stderr).toContain('bad.yaml');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).not.toMatch(/\n +at /);
    expect(existsSync(stage.path('results'))).toBe(false);
  });

  test.each<[what: string, argv: string[], ...says: string[]]>([
    ['no target', ['--phase', '1'], '--target: is missing', 'rehearsal', 'local'],
    ['no experiment', ['--target', 'local'], '--phase: is missing', '--config FILE'],
    ['a phase there is none of', ['--phase', '4', '--target', 'local'], 'must be 1, 2 or 3', '4'],
    [
      'an unknown scenario',
      ['--phase', '3', '--scenario', 'strss', '--target', 'local'],
      'did you mean --scenario stress?',
    ],
    ['a target of a later version', ['--phase', '1', '--target', 'cluster'], 'comes with a later version'],
    ['an address of Redis that is none', [...LOCAL, '--redis', 'localhost:6379'], '--redis: must be redis://'],
    ['a database a cluster does not have', [...LOCAL, '--redis', 'redis://x/3'], '--redis', 'database 0'],
    ['processes without a Redis', [...LOCAL, '--processes'], '--processes: needs a Redis', '--redis redis://'],
    ['a Redis for a rehearsal', [...REHEARSAL, '--redis', 'redis://x'], '--redis: is for --target local'],
    [
      'a Redis for a run that is taken up',
      ['--resume', 'x', '--redis', 'redis://x'],
      '--redis: cannot be given with --resume',
    ],
    [
      'faults of a network that cannot be had through TLS',
      [...LOCAL, '--scenario', 'chaos', '--redis', 'rediss://x', '--processes', '--toxiproxy', 'http://x:1'],
      '--redis: the plan of faults has network_delay, which needs a toxiproxy',
      'the certificate of a rediss:// address',
    ],
    [
      'a toxiproxy that is none',
      [...LOCAL, '--redis', 'redis://x', '--processes', '--toxiproxy', 'localhost:8474'],
      '--toxiproxy: must be where its API listens: http://HOST:PORT (got localhost:8474)',
    ],
    ['a Redis that is not there', [...LOCAL, '--redis', 'redis://127.0.0.1:1'], 'Redis cannot be used', '127.0.0.1:1'],
    ['a negative number', ['--phase', '1', '--target', 'local', '--agents', '-5'], '--agents: must be a whole number'],
    ['a rate without a unit', ['--phase', '1', '--target', 'local', '--rate', '500'], 'give the unit: 500/min'],
    ['an absurd duration', ['--phase', '1', '--target', 'local', '--duration', '100y'], '--duration', '100y'],
    [
      'neither true nor false',
      ['--phase', '1', '--target', 'local', '--chaos=maybe'],
      '--chaos: must be true or false',
    ],
    ['an unknown language', ['--phase', '1', '--target', 'local', '--lang', 'fr'], '--lang: must be one of en, ja'],
    ['an unknown option', ['--phse', '1'], "unknown option '--phse'", 'Did you mean --phase?'],
    ['an option without its value', ['--phase'], 'argument missing'],
    ['a word too many', ['--phase', '1', 'fast'], 'too many arguments'],
    ['a file that is not there', ['--config', 'nowhere.yaml', '--target', 'local'], 'nowhere.yaml', 'ENOENT'],
    ['a folder instead of a file', ['--config', '.', '--target', 'local'], 'EISDIR'],
    ['a run that is not there', ['--resume', 'phase-9'], 'no such run', 'phase-9'],
    [
      'another experiment for a run that is taken up',
      ['--resume', 'x', '--phase', '2'],
      '--phase: cannot be given with',
    ],
  ])('start with %s', async (_what, argv, ...says) => {
    const { exitCode, stdout, stderr } = await stage.run('start', ...argv);
    for (const text of says) expect(stderr).toContain(text);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(existsSync(stage.path('results'))).toBe(false);
  });

  test('a password of Redis is never shown, whatever else is wrong', async () => {
    const { exitCode, stderr } = await stage.run('start', ...LOCAL, '--redis', 'redis://me:open-sesame@127.0.0.1:1/7');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('database 0');
    expect(stderr).not.toContain('open-sesame');
  });

  test('everything wrong with flags and file comes in one message', async () => {
    stage.write('bad.yaml', quickWith('fleet: { slotz: 3 }'));
    const argv = ['--config', 'bad.yaml', '--target', 'moon', '--rate', '5', '--agents', '0', '--seed', '1.5'];
    const { exitCode, stderr } = await stage.run('start', ...argv);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('5 problems');
    for (const text of ['--target', '--rate', '--agents', '--seed', 'fleet.slotz']) expect(stderr).toContain(text);
  });

  test('an infeasible load is refused with its numbers and what would make it fit, unless forced', async () => {
    const argv = ['--phase', '3', '--rate', '2000/min', '--duration', '1min', '--target', 'rehearsal'];
    const refused = await stage.run('start', ...argv);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    for (const text of ['2,000/min', '1,273 slots busy', 'there are 800', 'It would fit with', '--force']) {
      expect(refused.stderr).toContain(text);
    }
    expect(existsSync(stage.path('results'))).toBe(false);
    const forced = await stage.run('start', ...argv, '--force', '--out', 'forced');
    expect(forced.exitCode).toBe(1);
    expect(forced.stderr).toContain('Infeasible: the load does not fit the fleet.');
    expect(existsSync(stage.path('forced', 'report.json'))).toBe(true);
  });

  test('a declared overload is printed, and runs', async () => {
    const argv = ['--phase', '3', '--scenario', 'stress', '--duration', '10min', '--target', 'rehearsal'];
    const { stderr } = await stage.run('start', ...argv, '--out', 'stress');
    expect(stderr).toContain('Overload, declared (expect: graceful_degradation)');
  });

  test('a run that cannot stay within its budget is refused with both amounts', async () => {
    stage.write('dear.yaml', quickWith('budget: { max: $0.01 }'));
    const { exitCode, stderr } = await stage.run('start', '--config', 'dear.yaml', '--target', 'rehearsal');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/budget\.max: on a cluster the run costs at least \$0\.\d+.*\(got \$0\.01\)/);
    expect(stderr).toContain('--force');
  });

  test('an --out that holds something is refused and left as it is', async () => {
    mkdirSync(stage.path('full'));
    stage.write('full/mine.txt', 'mine');
    stage.write('quick.yaml', QUICK);
    const { exitCode, stderr } = await stage.run(
      'start',
      '--config',
      'quick.yaml',
      '--target',
      'rehearsal',
      '--out',
      'full',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain('must not exist, or be empty');
    expect(readdirSync(stage.path('full'))).toEqual(['mine.txt']);
  });

  test('of two runs that start into one folder at the same time, one is refused', async () => {
    stage.write('quick.yaml', QUICK);
    const argv = ['start', '--config', 'quick.yaml', '--target', 'rehearsal', '--duration', '1min', '--out', 'shared'];
    const codes = (await Promise.all([stage.run(...argv), stage.run(...argv)])).map(({ exitCode }) => exitCode);
    expect(codes.sort()).toEqual([0, 2]);
    expect(existsSync(stage.path('shared', 'report.json'))).toBe(true);
  });
});
