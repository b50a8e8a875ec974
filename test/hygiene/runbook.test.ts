import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scripts } from '../../package.json';
import { deploymentOptions } from '../../runtime/spec/deployment/schema.js';
import { commandsIn, refusal } from './command-line.js';
import { PROJECT } from './tree.js';

const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(PROJECT, 'docs')).flatMap((f) => (f.endsWith('.md') ? [`docs/${f}`] : [])),
];

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
}

const DEPLOYMENT = z.toJSONSchema(deploymentOptions, { io: 'input', unrepresentable: 'any' }) as Schema;

/** What is below a key; undefined where the schema has no such key. */
function below(schema: Schema, key: string): Schema | undefined {
  const alternatives = [schema, ...(schema.anyOf ?? [])];
  for (const { properties, additionalProperties } of alternatives) {
    const found = properties?.[key] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

const keysOf = (schema: Schema): string[] =>
  [schema, ...(schema.anyOf ?? [])].flatMap(({ properties }) => Object.keys(properties ?? {}));

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('names only commands and options that ./experiment.sh takes', async () => {
    const refusals = await Promise.all(commandsIn(text).map(refusal));
    expect(refusals.filter((problem) => problem !== null)).toEqual([]);
  });

  test('names only npm scripts that are there', () => {
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('names only config keys that a deployment has', () => {
    const paths = [...text.matchAll(/agent-experiment:deployment\.([\w.-]+)/g)].map(([, path]) => path ?? '');
    const missing = paths.filter(
      (path) => path.split('.').reduce<Schema | undefined>((at, key) => at && below(at, key), DEPLOYMENT) === undefined,
    );
    expect(missing).toEqual([]);
  });
});

describe('what the tests above look at', () => {
  test('a command or an option that does not exist is found', async () => {
    expect(await refusal('./experiment.sh halt')).toContain("unknown command 'halt'");
    expect(await refusal('./experiment.sh drain --timeuot=5m')).toContain('--timeuot');
    expect(await refusal('./experiment.sh start --phase=3 --agents=200 --duration=72h --chaos=true')).toBeNull();
  });

  test('commands are found in code, in a table and over several lines, without their comments', () => {
    const text =
      'a\n./experiment.sh plan --phase 3   # why\n| `./experiment.sh stop` | b |\n./experiment.sh start \\\n  --phase 1\n';
    expect(commandsIn(text)).toEqual([
      './experiment.sh plan --phase 3',
      './experiment.sh stop',
      './experiment.sh start --phase 1',
    ]);
  });
});

describe('docs/runbook.md', () => {
  const runbook = read('docs/runbook.md');

  /** Every command of the document's chapters 11.2, 11.3, 14.1 and 14.2. */
  test.each([
    'kubectl get nodes -l role=agent',
    'kubectl apply -f k8s/coordinator-ha.yaml',
    'kubectl apply -f k8s/monitoring-stack.yaml',
    './scripts/health-check.sh',
    './experiment.sh start --phase=1 --agents=50 --duration=24h',
    './experiment.sh start --phase=2 --agents=100 --duration=48h',
    './experiment.sh start --phase=3 --agents=200 --duration=72h --chaos=true',
    'kubectl scale deployment miyabi-agent --replicas=0',
    'kubectl delete job load-generator',
    'kubectl set env deployment/miyabi-coordinator EXPERIMENT_MODE=false',
    './experiment.sh pause',
    './experiment.sh drain --timeout=5m',
    'kubectl scale deployment miyabi-agent --replicas=50',
    './experiment.sh snapshot',
    './experiment.sh stop',
  ])('has a row for the document’s line %s', (line) => {
    const rows = runbook.split('\n').filter((row) => row.startsWith(`| \`${line}\` `));
    expect(rows).toHaveLength(1);
  });

  test('says what the tests did not have', () => {
    expect(runbook).toContain('The official GCP, AWS and Kubernetes plugins were not part of the tests');
  });
});

describe('docs/deploy.md', () => {
  /** Cells of the first two columns of the table's rows, by the top-level key they are about. */
  const rows = read('docs/deploy.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));

  test.each(keysOf(DEPLOYMENT))('explains the key %s, and names those below it', (key) => {
    const about = rows.filter((row) => new RegExp(`\`${key}[\`.]`).test(row.split('|')[1] ?? '')).join('\n');
    expect(about).not.toBe('');
    const children = keysOf(below(DEPLOYMENT, key) ?? {});
    expect(children.filter((child) => !new RegExp(`[\`.]${child}\\b`).test(about))).toEqual([]);
  });
});
