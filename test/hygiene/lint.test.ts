import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { makeTree, PROJECT, run, type Tree } from './tree.js';

/** Code that a rule must report: [what it does, file, code, rule]. The other rules have nothing to say about it. */
const VIOLATIONS: ReadonlyArray<readonly [what: string, file: string, code: string, rule: string]> = [
  ['Date.now()', 'runtime/cli/now.ts', 'export const now = Date.now();', 'no-restricted-properties'],
  ['Date.now taken apart', 'runtime/cli/now-apart.ts', 'export const { now } = Date;', 'no-restricted-properties'],
  ['new Date()', 'runtime/report/date.ts', 'export const date = new Date();', 'no-restricted-syntax'],
  ['Date()', 'runtime/report/date-call.ts', 'export const date = Date();', 'no-restricted-syntax'],
  ['performance.now()', 'runtime/dashboard/perf.ts', 'export const t = performance.now();', 'no-restricted-globals'],
  ['process.hrtime()', 'runtime/record/hrtime.ts', 'export const t = process.hrtime();', 'no-restricted-properties'],
  ['setTimeout', 'runtime/control/timeout.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['setInterval', 'runtime/targets/interval.ts', 'setInterval(() => undefined, 1);', 'no-restricted-globals'],
  ['setImmediate', 'runtime/queue/adapters/immediate.ts', 'setImmediate(() => undefined);', 'no-restricted-globals'],
  ['globalThis.setTimeout', 'runtime/load/global.ts', 'globalThis.setTimeout(() => 1, 1);', 'no-restricted-properties'],
  [
    'AbortSignal.timeout',
    'runtime/cli/signal.ts',
    'export const s = AbortSignal.timeout(1);',
    'no-restricted-properties',
  ],
  ['Math.random()', 'runtime/load/random.ts', 'export const r = Math.random();', 'no-restricted-properties'],
  ['Math.random() in infra', 'infra/random.ts', 'export const r = Math.random();', 'no-restricted-properties'],
  [
    'node:timers/promises',
    'runtime/cli/timers.ts',
    "import { setTimeout as sleep } from 'node:timers/promises';\nexport const wait = (): Promise<void> => sleep(1);",
    'no-restricted-imports',
  ],
  [
    'randomUUID in a domain folder',
    'runtime/queue/uuid.ts',
    "import { randomUUID } from 'node:crypto';\nexport const id = (): string => randomUUID();",
    'no-restricted-imports',
  ],
  ...['load', 'queue', 'agents', 'coordinator', 'scaling', 'chaos', 'observe'].map(
    (folder) =>
      [
        `new Promise in ${folder}`,
        `runtime/${folder}/promise.ts`,
        'export const p = new Promise<void>((resolve) => resolve());',
        'no-restricted-syntax',
      ] as const,
  ),
  [
    'a promise nobody waits for',
    'runtime/record/floating.ts',
    'async function write(): Promise<void> {\n  await Promise.resolve();\n}\nexport function close(): void {\n  write();\n}',
    '@typescript-eslint/no-floating-promises',
  ],
  [
    'a promise thrown away with void',
    'runtime/record/void.ts',
    'async function write(): Promise<void> {\n  await Promise.resolve();\n}\nexport function close(): void {\n  void write();\n}',
    'no-void',
  ],
  [
    'a promise where a condition is meant',
    'runtime/record/misused.ts',
    'function ok(): Promise<boolean> {\n  return Promise.resolve(true);\n}\nexport const say = (): string => (ok() ? "a" : "b");',
    '@typescript-eslint/no-misused-promises',
  ],
  [
    'a switch that forgets a case',
    'runtime/spec/switch.ts',
    'export function f(state: "a" | "b"): number {\n  switch (state) {\n    case "a":\n      return 1;\n  }\n  return 0;\n}',
    '@typescript-eslint/switch-exhaustiveness-check',
  ],
  ['any', 'runtime/spec/any.ts', 'export type Bad = any;', '@typescript-eslint/no-explicit-any'],
  [
    'a type imported as a value',
    'runtime/kernel/import.ts',
    "import { Buffer } from 'node:buffer';\nexport type Bytes = Buffer;",
    '@typescript-eslint/consistent-type-imports',
  ],
  ['a default export', 'runtime/spec/default.ts', 'const x = 1;\nexport default x;', 'no-restricted-syntax'],
  ['console.log', 'runtime/cli/console.ts', 'console.log(1);', 'no-console'],
  ['a note to do it later', 'runtime/cli/later.ts', `// TODO: later\nexport const x = 1;`, 'no-warning-comments'],
  ['a very long file', 'runtime/cli/long.ts', 'export {};\n'.repeat(501), 'max-lines'],
  ['Math.random() in a test', 'test/random.ts', 'export const r = Math.random();', 'no-restricted-properties'],
  [
    'a promise nobody waits for, in a test',
    'test/floating.ts',
    'async function write(): Promise<void> {\n  await Promise.resolve();\n}\nexport function close(): void {\n  write();\n}',
    '@typescript-eslint/no-floating-promises',
  ],
];

/** Code that must pass: [what it does, file, code]. */
const ALLOWED: ReadonlyArray<readonly [what: string, file: string, code: string]> = [
  ['the kernel reads the clock', 'runtime/kernel/clock.ts', 'export const now = Date.now() + performance.now();'],
  ['the kernel sets timers', 'runtime/kernel/timer.ts', 'setTimeout(() => undefined, Math.random());'],
  [
    'a given time is written as a date',
    'runtime/report/format.ts',
    'export const f = (ms: number): string => new Date(ms).toISOString();',
  ],
  [
    'an adapter wraps I/O in a promise',
    'runtime/queue/adapters/io.ts',
    'export const p = new Promise<void>((resolve) => resolve());',
  ],
  [
    'the command line has promises of its own',
    'runtime/cli/promise.ts',
    'export const p = new Promise<void>((resolve) => resolve());',
  ],
  [
    'the control API draws a token',
    'runtime/control/token.ts',
    "import { randomBytes } from 'node:crypto';\nexport const token = (): string => randomBytes(32).toString('hex');",
  ],
  [
    'a test waits in real time',
    'test/wait.ts',
    'export const wait = (): Promise<void> => new Promise((done) => setTimeout(done, Date.now() % 2));',
  ],
];

interface FileResult {
  readonly filePath: string;
  readonly messages: ReadonlyArray<{ readonly ruleId: string | null; readonly message: string }>;
}

describe('lint rules', () => {
  let tree: Tree;
  let results: ReadonlyMap<string, readonly string[]>;
  let exitCode: number;

  beforeAll(async () => {
    tree = makeTree(
      {
        'tsconfig.json': readFileSync(join(PROJECT, 'tsconfig.json'), 'utf8').replace(
          /"include": \[.*\]/,
          '"include": ["**/*.ts"]',
        ),
        'package.json': '{ "name": "tree" }',
        'runtime/cli/disabled.ts': '/* eslint-disable no-console */\nconsole.log(1);\n',
        ...Object.fromEntries([...VIOLATIONS, ...ALLOWED].map(([, file, code]) => [file, `${code}\nexport {};\n`])),
      },
      'project',
    );
    const eslint = join(PROJECT, 'node_modules/eslint/bin/eslint.js');
    const args = [eslint, '--config', join(PROJECT, 'eslint.config.mjs'), '--format', 'json', '.'];
    const outcome = await run(process.execPath, args, tree.folder);
    exitCode = outcome.exitCode;
    const files = JSON.parse(outcome.stdout) as readonly FileResult[];
    results = new Map(
      files.map(({ filePath, messages }) => [
        relative(tree.folder, filePath),
        messages.map(({ ruleId, message }) => ruleId ?? message),
      ]),
    );
  }, 120_000);

  afterAll(() => tree.remove());

  test('the tool fails where rules are broken', () => {
    expect(exitCode).toBe(1);
  });

  test.each(VIOLATIONS)('reported: %s', (_what, file, _code, rule) => {
    expect(new Set(results.get(file))).toEqual(new Set([rule]));
  });

  test.each(ALLOWED)('allowed: %s', (_what, file) => {
    expect(results.get(file)).toEqual([]);
  });

  test('a comment cannot switch a rule off', () => {
    expect(results.get('runtime/cli/disabled.ts')).toContain('no-console');
  });
});
