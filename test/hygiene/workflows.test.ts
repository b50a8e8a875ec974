import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scripts } from '../../package.json';
import { commandsIn, refusal } from './command-line.js';
import { PROJECT, run } from './tree.js';
import { FILES_WITH_STEPS, needsOf, stepsIn, textOf, workflow, WORKFLOWS, type Job } from './workflow-file.js';

const CHECKOUT = 'actions/checkout@';
const PREPARE = './.github/actions/prepare';

describe.each(FILES_WITH_STEPS)('%s', (path) => {
  const steps = stepsIn(path);
  const shells = steps.flatMap(({ run: script }) => (script === undefined ? [] : [script]));

  test('pins every action of others by commit, with its version beside it', () => {
    const uses = textOf(path)
      .split('\n')
      .filter((line) => /^\s*(- )?uses:/.test(line))
      .map((line) => line.replace(/^\s*(- )?uses: /, ''));
    expect(uses.length).toBe(steps.filter((step) => step.uses !== undefined).length);
    const loose = uses.filter((action) => !/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action));
    expect(loose.filter((action) => !(action.startsWith('./') && existsSync(join(PROJECT, action))))).toEqual([]);
  });

  test('lets no expression into a shell: values come through the environment', () => {
    expect(shells.filter((script) => script.includes('${{'))).toEqual([]);
  });

  test('has shell scripts that parse', async () => {
    const outcomes = await Promise.all(shells.map((script) => run('bash', ['-n', '-c', script], PROJECT)));
    expect(outcomes.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  });

  test('names only commands of ./experiment.sh and npm scripts that are there', async () => {
    const refusals = await Promise.all(shells.flatMap(commandsIn).map(refusal));
    expect(refusals.filter((problem) => problem !== null)).toEqual([]);
    const named = shells.flatMap((script) => [...script.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? ''));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('has no stored key of a cloud', () => {
    expect(textOf(path)).not.toMatch(/credentials_json|aws-access-key-id|AWS_SECRET|_SA_KEY/i);
  });
});

test('an action has the same commit everywhere', () => {
  const commits = new Map<string, Set<string>>();
  for (const { uses } of FILES_WITH_STEPS.flatMap(stepsIn)) {
    const [action, commit] = uses?.split('@') ?? [];
    if (action !== undefined && commit !== undefined)
      commits.set(action, (commits.get(action) ?? new Set()).add(commit));
  }
  expect([...commits].filter(([, those]) => those.size > 1)).toEqual([]);
});

describe.each(WORKFLOWS)('%s', (name) => {
  const { permissions, jobs } = workflow(name);
  const each = Object.entries(jobs);

  test('gives each job the permissions it needs and no other', () => {
    expect(permissions).toEqual({});
    for (const [job, { permissions: own, steps }] of each) {
      const signsIn = steps.some(({ uses }) => uses === PREPARE);
      expect({ job, own }).toEqual({ job, own: { contents: 'read', ...(signsIn ? { 'id-token': 'write' } : {}) } });
    }
  });

  test('leaves no token of GitHub in a checked-out folder', () => {
    const checkouts = each.flatMap(([, { steps }]) => steps.filter(({ uses }) => uses?.startsWith(CHECKOUT)));
    expect(checkouts.length).toBe(each.length);
    for (const checkout of checkouts) expect(checkout.with?.['persist-credentials']).toBe(false);
  });

  test('gives every job a time limit', () => {
    for (const [job, one] of each)
      expect({ job, limit: one['timeout-minutes'] }).toEqual({ job, limit: expect.any(Number) });
  });

  test('speaks only of jobs and steps that it can see', () => {
    for (const [, job] of each) {
      expect(needsOf(job).filter((needed) => !(needed in jobs))).toEqual([]);
      const text = JSON.stringify(job);
      expect(named(text, /needs\.(\w+)/g).filter((needed) => !needsOf(job).includes(needed))).toEqual([]);
      const ids = job.steps.map(({ id }) => id);
      expect(named(text, /steps\.(\w+)\./g).filter((id) => !ids.includes(id))).toEqual([]);
    }
  });
});

describe('experiment.yml', () => {
  const { on, concurrency, jobs } = workflow('experiment.yml');
  const job = (name: string): Job => {
    const found = jobs[name];
    if (found === undefined) throw new Error(`no job ${name}`);
    return found;
  };
  const shellOf = (name: string): string =>
    job(name)
      .steps.flatMap((step) => step.run ?? [])
      .join('\n');

  test('asks for phase and duration, as the document does', () => {
    const inputs = on['workflow_dispatch']?.inputs ?? {};
    expect(Object.keys(on)).toEqual(['workflow_dispatch']);
    expect(inputs).toMatchObject({ phase: { default: '1' }, duration: { default: '24' } });
  });

  test('previews with the policies, deploys, checks and runs, in this order', () => {
    expect(shellOf('deploy')).toMatch(/pulumi preview .*--policy-pack policies[^]*pulumi up .*--policy-pack policies/);
    expect(shellOf('run')).toMatch(/experiment\.sh check[^]*experiment\.sh start --target cluster/);
    expect(needsOf(job('run'))).toEqual(['deploy']);
    expect(needsOf(job('deploy'))).toEqual(['claim']);
  });

  test('gives a run of 72 hours the time it takes, where jobs may be that long', () => {
    expect(job('run')['runs-on']).toContain('self-hosted');
    expect(job('run')['timeout-minutes']).toBeGreaterThan(72 * 60);
    expect(job('run')['timeout-minutes']).toBeLessThanOrEqual(5 * 24 * 60);
  });

  test('destroys in a job of its own, whatever became of the others', () => {
    const destroy = job('destroy');
    expect(needsOf(destroy)).toEqual(expect.arrayContaining(['deploy', 'run']));
    // Nothing but a stack that was there before may stand in the way.
    expect(destroy.if).toBe("always() && needs.claim.result == 'success'");
    expect(shellOf('destroy')).toMatch(/pulumi destroy --stack "\$STACK" .*--yes/);
    // The runner of the run may be what failed.
    expect(JSON.stringify(destroy['runs-on'])).not.toContain('self-hosted');
    expect(destroy['timeout-minutes']).toBeGreaterThanOrEqual(60);
  });

  test('does not make destroying wait for the report', () => {
    expect(needsOf(job('destroy'))).not.toContain('collect');
    expect(job('collect').if).toMatch(/^always\(\)/);
  });

  test('uploads results and reports under the document’s name', () => {
    const upload = job('collect').steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
    expect(upload).toMatchObject({ if: 'always()', with: { name: 'experiment-results-phase-${{ inputs.phase }}' } });
    expect(String(upload?.with?.['path'])).toMatch(/^results\/.*\nreports\//);
  });

  test('keeps what other runs left in the folder of its runner', () => {
    const onRunner = Object.values(jobs).filter((one) => JSON.stringify(one['runs-on']).includes('self-hosted'));
    expect(onRunner).toHaveLength(3);
    for (const { steps } of onRunner) {
      expect(steps.find(({ uses }) => uses?.startsWith(CHECKOUT))?.with?.['clean']).toBe(false);
    }
  });

  test('has a stack to itself, and is not cut off by the next run', () => {
    expect(concurrency).toEqual({ group: 'experiment-stack-phase${{ inputs.phase }}', 'cancel-in-progress': false });
  });
});

describe('teardown.yml', () => {
  const { on, jobs } = workflow('teardown.yml');

  test('runs every night, and by hand only says what it would do', () => {
    expect(Object.keys(on)).toEqual(['schedule', 'workflow_dispatch']);
    expect(on['workflow_dispatch']?.inputs?.['dry_run']).toMatchObject({ type: 'boolean', default: true });
  });

  test('waits while experiment.yml has the stack', () => {
    const group = (text = ''): string => text.replace(/\$\{\{.*\}\}/, 'N');
    expect(jobs['teardown']?.concurrency?.['cancel-in-progress']).toBe(false);
    expect(group(jobs['teardown']?.concurrency?.group)).toBe(group(workflow('experiment.yml').concurrency?.group));
  });
});

describe('ci.yml', () => {
  const { jobs } = workflow('ci.yml');
  const shells = Object.values(jobs).flatMap(({ steps }) => steps.flatMap((step) => step.run ?? []));

  test('runs every npm command of .ci/run', () => {
    const commands = named(textOf('.ci/run'), /(npm (?:ci|test|run [\w:]+))/g);
    expect(commands).toContain('npm run check');
    expect(commands.filter((command) => !shells.some((script) => script.startsWith(command)))).toEqual([]);
  });

  test('keeps the engines it builds', () => {
    const steps = jobs['engine']?.steps ?? [];
    expect(steps.some((step) => step.run === 'npm run test:engine')).toBe(true);
    const cache = steps.find(({ uses }) => uses?.startsWith('actions/cache@'));
    expect(cache?.with?.['path']).toBe('~/.cache/agent-experiment');
  });

  test('checks the workflows with actionlint', () => {
    expect(shells.some((script) => script.includes('actionlint'))).toBe(true);
  });
});

function named(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? '');
}
