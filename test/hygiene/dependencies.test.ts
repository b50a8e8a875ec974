import { join } from 'node:path';
import { makeTree, PROJECT, run, type Tree } from './tree.js';

/** Each rule of `.dependency-cruiser.cjs` with an import that breaks it: [rule, importing file, what it imports]. */
const VIOLATIONS: ReadonlyArray<readonly [rule: string, from: string, to: string]> = [
  ['kernel-imports-nothing-of-ours', 'runtime/kernel/bad.ts', 'runtime/spec/experiment.ts'],
  ['spec-imports-kernel-only', 'runtime/spec/bad.ts', 'runtime/observe/events.ts'],
  ['cost-imports-spec-only', 'runtime/cost/bad.ts', 'runtime/report/model.ts'],
  ['deployment-imports-spec-and-cost-only', 'stacks/bad.ts', 'runtime/queue/port.ts'],
  ['deployment-imports-spec-and-cost-only', 'infra/bad.ts', 'runtime/queue/port.ts'],
  ['deployment-imports-spec-and-cost-only', 'policies/bad.ts', 'runtime/cli/main.ts'],
  ['infra-and-policies-are-composed-by-stacks', 'policies/bad-infra.ts', 'infra/cluster.ts'],
  ['runtime-does-not-import-the-deployment', 'runtime/cli/bad.ts', 'infra/cluster.ts'],
  ['domain-meets-domain-at-ports', 'runtime/load/bad.ts', 'runtime/queue/protocol.ts'],
  ['domain-meets-domain-at-ports', 'runtime/agents/adapters/bad.ts', 'runtime/queue/protocol.ts'],
  ['domain-stays-below-the-shell', 'runtime/queue/bad.ts', 'runtime/record/sink.ts'],
  ['domain-stays-below-the-shell', 'runtime/scaling/bad.ts', 'runtime/control/client.ts'],
  ['domain-stays-below-the-shell', 'runtime/observe/bad.ts', 'runtime/report/model.ts'],
  ['domain-stays-below-the-shell', 'runtime/coordinator/bad.ts', 'runtime/cost/prices.ts'],
  ['domain-has-no-io', 'runtime/chaos/bad.ts', 'node:fs'],
  ['domain-has-no-io', 'runtime/chaos/bad-timer.ts', 'node:timers/promises'],
  ['domain-uses-pure-packages-only', 'runtime/chaos/bad-package.ts', 'declared'],
  ['ports-do-not-import-adapters', 'runtime/queue/bad-adapter.ts', 'runtime/queue/adapters/memory.ts'],
  ['spec-and-cost-have-no-io', 'runtime/cost/bad-file.ts', 'node:fs/promises'],
  ['report-is-made-from-data', 'runtime/report/bad.ts', 'runtime/coordinator/machine.ts'],
  ['shell-reaches-the-domain-through-ports', 'runtime/control/bad.ts', 'runtime/coordinator/machine.ts'],
  ['nothing-imports-the-composition-roots', 'runtime/control/bad-target.ts', 'runtime/targets/local.ts'],
  ['only-the-cli-starts-roles', 'runtime/targets/bad-role.ts', 'runtime/roles/agent.ts'],
  ['nothing-imports-the-cli', 'runtime/targets/bad.ts', 'runtime/cli/main.ts'],
  ['only-the-cli-opens-the-dashboard', 'runtime/targets/bad-dashboard.ts', 'runtime/dashboard/page.ts'],
  ['no-cycles', 'runtime/load/circle-a.ts', 'runtime/load/circle-b.ts'],
  ['product-does-not-import-tests', 'runtime/cli/bad-test.ts', 'test/helper.ts'],
  ['product-uses-no-dev-dependency', 'runtime/cli/bad-dev.ts', 'developing'],
  ['only-declared-dependencies', 'runtime/cli/bad-undeclared.ts', 'undeclared'],
  ['everything-resolves', 'runtime/cli/bad-missing.ts', 'runtime/cli/missing.ts'],
];

/** Imports the design asks for: none of them may be reported. */
const ALLOWED: ReadonlyArray<readonly [from: string, to: string]> = [
  ['runtime/spec/good.ts', 'runtime/kernel/clock.ts'],
  ['runtime/cost/good.ts', 'runtime/spec/experiment.ts'],
  ['stacks/good.ts', 'infra/cluster.ts'],
  ['stacks/good-spec.ts', 'runtime/spec/experiment.ts'],
  ['infra/good.ts', 'runtime/cost/prices.ts'],
  ['policies/good.ts', 'runtime/spec/experiment.ts'],
  ['runtime/load/good.ts', 'runtime/queue/port.ts'],
  ['runtime/load/good-task.ts', 'runtime/queue/task.ts'],
  ['runtime/chaos/good.ts', 'runtime/observe/events.ts'],
  ['runtime/scaling/good.ts', 'runtime/observe/data.ts'],
  ['runtime/queue/adapters/good.ts', 'runtime/queue/protocol.ts'],
  ['runtime/queue/adapters/good-io.ts', 'node:net'],
  ['runtime/queue/adapters/good-package.ts', 'declared'],
  ['runtime/report/good.ts', 'runtime/observe/criteria.ts'],
  ['runtime/record/good.ts', 'runtime/observe/events.ts'],
  ['runtime/targets/good.ts', 'runtime/queue/adapters/memory.ts'],
  ['runtime/targets/good-record.ts', 'runtime/record/sink.ts'],
  ['runtime/roles/good.ts', 'runtime/targets/local.ts'],
  ['runtime/cli/good-role.ts', 'runtime/roles/agent.ts'],
  ['runtime/cli/good.ts', 'runtime/targets/local.ts'],
  ['runtime/cli/good-dashboard.ts', 'runtime/dashboard/page.ts'],
  ['test/good.ts', 'runtime/coordinator/machine.ts'],
];

interface Reported {
  readonly rule: string;
  readonly from: string;
}

describe('dependency rules', () => {
  let tree: Tree;
  let reported: readonly Reported[];
  let exitCode: number;

  beforeAll(async () => {
    tree = makeTree(treeOfImports(), 'none');
    // The reporter of the npm script sets the exit code, the one for machines does not.
    const [forPeople, forMachines] = await Promise.all([cruise(tree.folder, 'err'), cruise(tree.folder, 'json')]);
    exitCode = forPeople.exitCode;
    const { summary } = JSON.parse(forMachines.stdout) as {
      summary: { violations: ReadonlyArray<{ from: string; rule: { name: string } }> };
    };
    reported = summary.violations.map(({ from, rule }) => ({ rule: rule.name, from }));
  }, 60_000);

  afterAll(() => tree.remove());

  test('the tool fails where rules are broken', () => {
    expect(exitCode).not.toBe(0);
  });

  test.each(VIOLATIONS)('%s: reported when %s imports %s', (rule, from) => {
    expect(reported).toContainEqual({ rule, from });
  });

  test('importing nothing but a type counts as an import', () => {
    expect(reported).toContainEqual({ rule: 'spec-imports-kernel-only', from: 'runtime/spec/bad-type.ts' });
  });

  test('no-orphans: reported for a file nobody needs', () => {
    expect(reported).toContainEqual({ rule: 'no-orphans', from: 'runtime/load/orphan.ts' });
  });

  test.each(ALLOWED)('%s may import %s', (from) => {
    expect(reported.filter((violation) => violation.from === from)).toEqual([]);
  });

  test('no rule is without a case above', async () => {
    const { stdout } = await run(
      process.execPath,
      ['-e', `process.stdout.write(JSON.stringify(require(${JSON.stringify(CONFIG)}).forbidden.map((r) => r.name)))`],
      PROJECT,
    );
    const covered = new Set([...VIOLATIONS.map(([rule]) => rule), 'no-orphans']);
    expect((JSON.parse(stdout) as string[]).filter((rule) => !covered.has(rule))).toEqual([]);
  });
});

const CONFIG = join(PROJECT, '.dependency-cruiser.cjs');

function cruise(folder: string, reporter: 'err' | 'json'): ReturnType<typeof run> {
  const tool = join(PROJECT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  return run(
    process.execPath,
    [tool, '--config', CONFIG, '--output-type', reporter, 'runtime', 'stacks', 'infra', 'policies', 'test'],
    folder,
  );
}

/** Every file named above, importing what is said there; those that are only imported are empty. */
function treeOfImports(): Record<string, string> {
  const files: Record<string, string> = {
    'tsconfig.json': JSON.stringify({ compilerOptions: { module: 'node20', target: 'es2023' } }),
    'package.json': JSON.stringify({
      name: 'tree',
      dependencies: { declared: '1.0.0' },
      devDependencies: { developing: '1.0.0' },
    }),
    'runtime/load/orphan.ts': 'export {};\n',
    'runtime/spec/bad-type.ts': "import type { Event } from '../observe/types.js';\nexport type Same = Event;\n",
    'runtime/observe/types.ts': 'export type Event = string;\n',
    'runtime/load/circle-b.ts': "import './circle-a.js';\n",
  };
  for (const name of ['declared', 'developing', 'undeclared']) {
    files[`node_modules/${name}/package.json`] = JSON.stringify({ name, version: '1.0.0', main: 'index.js' });
    files[`node_modules/${name}/index.js`] = 'module.exports = {};\n';
  }
  for (const [from, to] of [...VIOLATIONS.map(([, from, to]) => [from, to] as const), ...ALLOWED]) {
    files[from] = `import '${specifier(from, to)}';\n`;
    if (to.endsWith('.ts') && !to.endsWith('missing.ts')) files[to] ??= 'export {};\n';
  }
  return files;
}

function specifier(from: string, to: string): string {
  if (!to.endsWith('.ts')) return to;
  const up = '../'.repeat(from.split('/').length - 1);
  return `./${up}${to.replace(/\.ts$/, '.js')}`;
}
