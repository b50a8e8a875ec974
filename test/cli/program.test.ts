import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { version } from '../../package.json';
import { QUICK, Stage } from './stage.js';

jest.setTimeout(30_000);

const COMMANDS = [
  ...['plan', 'start', 'check', 'status', 'watch', 'pause', 'resume', 'drain', 'scale', 'chaos'],
  ...['snapshot', 'stop', 'emergency-stop', 'report', 'compare'],
];

const stage = new Stage();

afterAll(() => {
  stage.remove();
});

describe('the command line itself', () => {
  test('--help names every command, examples and exit codes, on standard output', async () => {
    const { exitCode, stdout, stderr } = await stage.run('--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(stdout).toContain('./experiment.sh start --phase 3 --target rehearsal');
    expect(stdout).toContain('2 bad input');
  });

  test.each(COMMANDS)('%s has help of its own', async (command) => {
    const { exitCode, stdout } = await stage.run(command, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: ./experiment.sh ${command}`);
  });

  test('--version prints the version of the program', async () => {
    expect(await stage.run('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('without a command it shows the help, as an error', async () => {
    const { exitCode, stdout, stderr } = await stage.run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage:');
  });

  test.each([
    [['strat'], "unknown command 'strat'", 'Did you mean start?'],
    [['emergency'], "unknown command 'emergency'", ''],
    [['drain', '--timeuot', '5m'], "unknown option '--timeuot'", 'Did you mean --timeout?'],
    [['scale'], "missing required argument 'n'", '--help'],
    [['report'], "missing required argument 'run'", '--help'],
    [['compare'], "missing required argument 'run'", '--help'],
  ])('%j is refused with the nearest there is, and exit code 2', async (argv, wrong, nearest) => {
    const { exitCode, stdout, stderr } = await stage.run(...argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(wrong);
    expect(stderr).toContain(nearest);
  });
});

describe('plan', () => {
  test('shows load, faults, feasibility and cost of what start would run, and starts nothing', async () => {
    const { exitCode, stdout } = await stage.run('plan', '--phase', '3');
    expect(exitCode).toBe(0);
    for (const text of [
      'Agents: 200 × 4 slots',
      'burst: 146 × at 1000/min',
      'agent_kill: 287 ×, first after 15min, last after 71h45min',
      'Feasible: the load fits the fleet.',
      'Cost at the floor (200 agents and 9 in reserve)',
      'Worst case',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test('answers 2 for what start would refuse', async () => {
    const { exitCode, stdout, stderr } = await stage.run('plan', '--phase', '1', '--rate', '5000/min');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('Infeasible');
    expect(stderr).toContain('start would refuse this: the load does not fit the fleet. --force starts it anyway.');
  });

  test('--json is for machines', async () => {
    const { stdout } = await stage.run('plan', '--phase', '1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      experiment: { phase: 1, fleet: { agents: 50 } },
      feasibility: { verdict: 'feasible' },
      timeline: { load: [{ label: 'steady', times: 1, totalMs: 86_400_000 }], faults: [] },
    });
  });

  test('prefers the stack file of the folder it is called in', async () => {
    stage.write('Pulumi.phase1.yaml', `config:\n  agent-experiment:experiment:${QUICK.replaceAll('\n', '\n    ')}`);
    expect((await stage.run('plan', '--phase=1')).stdout).toContain('Agents: 10 × 4 slots');
    expect((await stage.run('plan', '--phase=2')).stdout).toContain('Agents: 100 × 4 slots');
  });
});

describe('check', () => {
  test('says what is ready', async () => {
    const { exitCode, stdout } = await stage.run('check', '--phase', '3', '--target', 'local');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`✓ agent-experiment ${version} on Node.js ${process.versions.node}`);
    expect(stdout).toMatch(/✓ results\/ can be written, \d+.* free/);
    expect(stdout).toContain('✓ Phase 3: full scale: the configuration is valid');
    expect(stdout).toContain('✓ load and fleet: feasible');
  });

  test('says what is wrong with a configuration, and answers 2', async () => {
    stage.write('bad.yaml', `${QUICK}agnets: 5\n`);
    const { exitCode, stdout } = await stage.run('check', '--config', 'bad.yaml');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('did you mean "agents"?');
  });

  test('finds a run that ended without a word', async () => {
    mkdirSync(stage.path('results', 'killed'), { recursive: true });
    const control = { pid: spawnSync('true').pid, port: 9, token: 't', experimentId: 'killed', startedAt: 0 };
    writeFileSync(stage.path('results', 'killed', 'control.json'), JSON.stringify(control));
    const { exitCode, stdout } = await stage.run('check');
    expect(exitCode).toBe(2);
    expect(stdout).toContain('✗ run killed ended without a word: ./experiment.sh report killed');
  });

  // The right to write is not checked for root.
  (process.getuid?.() === 0 ? test.skip : test)('says that the folder cannot be written', async () => {
    const closed = new Stage();
    chmodSync(closed.folder, 0o500);
    const { exitCode, stdout } = await closed.run('check');
    chmodSync(closed.folder, 0o700);
    closed.remove();
    expect(exitCode).toBe(2);
    expect(stdout).toContain('cannot be written');
  });
});
