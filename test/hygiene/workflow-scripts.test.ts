import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree, PROJECT, run, type Outcome, type Tree } from './tree.js';
import { scriptOf } from './workflow-file.js';

/*
 * The scripts of the workflows themselves, as GitHub's shell runs them, with a stand-in for `pulumi` that answers what a
 * test wants and writes down what it was asked.
 */

interface World {
  /** What `pulumi stack ls --json` prints; null = the backend does not answer. */
  readonly stacks: readonly object[] | null;
  /** What `pulumi stack output deadline` prints; null = there is no such output. */
  readonly deadline?: string | null;
  /** How many calls of `pulumi destroy` fail. */
  readonly failures?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const PULUMI = `#!/bin/sh
echo "$*" >>"$WORLD/calls"
case "$*" in
  'stack ls --json') cat "$WORLD/stacks.json" ;;
  'stack output deadline '*) cat "$WORLD/deadline" ;;
  'destroy '*)
    left=$(cat "$WORLD/failures")
    [ "$left" -gt 0 ] || exit 0
    echo $((left - 1)) >"$WORLD/failures"
    exit 1 ;;
esac
`;

const DEPLOYED = [
  { name: 'phase1', resourceCount: 7 },
  { name: 'organization/agent-experiment/phase3', resourceCount: 90 },
];

describe('scripts of the workflows', () => {
  let tree: Tree;
  let count = 0;

  beforeAll(() => {
    tree = makeTree({}, 'none');
  });

  afterAll(() => tree.remove());

  /** Runs a step's script on the stack phase3; answers what pulumi was asked and what the step put out, too. */
  async function step(file: string, job: string, name: string, world: World): Promise<Outcome & Asked> {
    count += 1;
    const folder = join(tree.folder, String(count));
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin/pulumi'), PULUMI, { mode: 0o755 });
    if (world.stacks !== null) writeFileSync(join(folder, 'stacks.json'), JSON.stringify(world.stacks));
    if (typeof world.deadline === 'string') writeFileSync(join(folder, 'deadline'), `${world.deadline}\n`);
    writeFileSync(join(folder, 'failures'), String(world.failures ?? 0));
    const shell = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', scriptOf(file, job, name)];
    const outcome = await run('bash', shell, PROJECT, {
      ...process.env,
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      WORLD: folder,
      GITHUB_OUTPUT: join(folder, 'output'),
      STACK: 'phase3',
      RETRY_SECONDS: '0',
      ...world.env,
    });
    const lines = (file: string): string[] =>
      existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').trimEnd().split('\n') : [];
    const [read, ...asked] = lines('calls');
    return { ...outcome, asked: read === 'stack ls --json' ? asked : lines('calls'), output: lines('output') };
  }

  describe('experiment.yml, inputs', () => {
    const check = (PHASE: string, HOURS: string): Promise<Outcome> =>
      step('experiment.yml', 'claim', 'Check the inputs', { stacks: [], env: { PHASE, HOURS } });

    test.each([
      ['1', '1'],
      ['3', '72'],
    ])('phase %s for %s hours is taken', async (phase, hours) => {
      expect((await check(phase, hours)).exitCode).toBe(0);
    });

    test.each([
      ['4', '24'],
      ['', '24'],
      ['1', '0'],
      ['1', '73'],
      ['1', '1.5'],
      ['1', '-1'],
      ['1', '08'],
      ['1', '24h; rm -rf x'],
      ['1', 'a[$(id)]'],
      ['1', ''],
    ])('phase «%s» for «%s» hours is refused', async (phase, hours) => {
      const { exitCode, stdout } = await check(phase, hours);
      expect(exitCode).toBe(2);
      expect(stdout).toMatch(/^::error::(phase|duration) must be/);
    });
  });

  describe('experiment.yml, is the stack vacant?', () => {
    const claim = (stacks: World['stacks']): Promise<Outcome> =>
      step('experiment.yml', 'claim', 'Is the stack vacant?', { stacks });

    test('a stack that was never made, or that is empty, is free', async () => {
      expect((await claim([{ name: 'phase1', resourceCount: 7 }])).exitCode).toBe(0);
      expect((await claim([{ name: 'phase3', resourceCount: 0 }])).exitCode).toBe(0);
    });

    test('a stack that somebody deployed is left alone', async () => {
      const { exitCode, stdout } = await claim(DEPLOYED);
      expect(exitCode).toBe(1);
      expect(stdout).toContain('phase3 is deployed already (90 resources)');
    });

    test('a backend that does not answer does not count as a free stack', async () => {
      expect((await claim(null)).exitCode).not.toBe(0);
    });
  });

  const DESTROY = 'destroy --stack phase3 --refresh --yes --non-interactive';
  const CANCEL = 'cancel --yes --stack phase3';

  describe.each([
    ['experiment.yml', 'destroy'],
    ['teardown.yml', 'teardown'],
  ])('%s, destroy', (file, job) => {
    const destroy = (world: Partial<World>): Promise<Outcome & Asked> =>
      step(file, job, 'Destroy', { stacks: DEPLOYED, ...world, env: { DRY_RUN: 'false' } });

    test('destroys once when that succeeds', async () => {
      expect(await destroy({})).toMatchObject({ exitCode: 0, asked: [DESTROY] });
    });

    test('takes an old lock away and tries again when it does not', async () => {
      expect(await destroy({ failures: 2 })).toMatchObject({
        exitCode: 0,
        asked: [DESTROY, CANCEL, DESTROY, CANCEL, DESTROY],
      });
    });

    test('fails loudly when the stack stays', async () => {
      const { exitCode, stdout } = await destroy({ failures: 9 });
      expect(exitCode).toBe(1);
      expect(stdout).toContain('::error::phase3 is not destroyed and goes on costing money');
    });
  });

  test('experiment.yml has nothing to destroy where no stack was made', async () => {
    const outcome = await step('experiment.yml', 'destroy', 'Destroy', { stacks: [] });
    expect(outcome).toMatchObject({ exitCode: 0, asked: [] });
  });

  test('experiment.yml does not take a backend that does not answer for an absent stack', async () => {
    expect((await step('experiment.yml', 'destroy', 'Destroy', { stacks: null })).exitCode).not.toBe(0);
  });

  describe('teardown.yml, is the deadline past?', () => {
    const look = (deadline: string | null, stacks: World['stacks'] = DEPLOYED): Promise<Outcome & Asked> =>
      step('teardown.yml', 'teardown', 'Is the deadline past?', { stacks, deadline });

    test.each(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.000Z', '2020-01-01T09:00:00+09:00'])(
      '%s is',
      async (time) => {
        expect(await look(time)).toMatchObject({ exitCode: 0, output: ['past=true'] });
      },
    );

    test('2999-01-01T00:00:00Z is not', async () => {
      expect(await look('2999-01-01T00:00:00Z')).toMatchObject({ exitCode: 0, output: [] });
    });

    test('a stack that is empty or was never made has nothing to look at', async () => {
      expect(await look(null, [])).toMatchObject({ exitCode: 0, asked: [], output: [] });
      expect(await look(null, [{ name: 'phase3', resourceCount: 0 }])).toMatchObject({ exitCode: 0, asked: [] });
    });

    test.each([null, '', 'tomorrow'])(
      'a deployed stack whose deadline reads %j is an error, not a stay',
      async (deadline) => {
        const { exitCode, output } = await look(deadline);
        expect({ failed: exitCode !== 0, output }).toEqual({ failed: true, output: [] });
      },
    );

    test('a backend that does not answer is an error', async () => {
      expect((await look('2020-01-01T00:00:00Z', null)).exitCode).not.toBe(0);
    });
  });

  test('teardown.yml on a dry run only shows what it would destroy', async () => {
    const outcome = await step('teardown.yml', 'teardown', 'Destroy', { stacks: DEPLOYED, env: { DRY_RUN: 'true' } });
    expect(outcome).toMatchObject({ exitCode: 0, asked: ['destroy --stack phase3 --preview-only --non-interactive'] });
  });
});

/** What a step asked of pulumi after it had read the list of stacks, and what it put out. */
interface Asked {
  readonly asked: readonly string[];
  readonly output: readonly string[];
}
