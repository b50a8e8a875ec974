import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020';
import { parse } from 'yaml';
import { describeExperiment } from '../../runtime/spec/describe.js';
import { stackFileSchema } from '../../runtime/spec/json-schema.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';

const PROJECT = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(PROJECT, file), 'utf8');
const committed = JSON.parse(read('schema/experiment.schema.json')) as object;
const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(committed);
const STACKS = ['Pulumi.phase1.yaml', 'Pulumi.phase2.yaml', 'Pulumi.phase3.yaml'];

describe.each(STACKS)('%s', (file) => {
  test('is what its phase is by default: it shows the numbers, it does not change them', () => {
    const phase = Number(/phase(\d)/.exec(file)?.[1]);
    expect(loadExperiment(read(file), file)).toEqual(loadExperiment(`phase: ${phase}`, 'defaults.yaml'));
  });

  test('is valid by the JSON Schema it names', () => {
    expect(read(file)).toContain('# yaml-language-server: $schema=schema/experiment.schema.json');
    validate(parse(read(file)));
    expect(validate.errors).toBeNull();
  });
});

describe('the JSON Schema', () => {
  test('is up to date: `npm run schema` after a change', () => {
    expect(committed).toEqual(stackFileSchema());
  });

  test.each<[string, unknown]>([
    ['an unknown key', { agentz: 5 }],
    ['a rate without its unit', { load: { rate: 500 } }],
    ['a wrong unit of share', { simulation: { failureRate: '0.5' } }],
    ['an unknown scenario', { scenario: 'bursts' }],
    ['an unknown fault', { chaos: { injections: [{ type: 'meteor' }] } }],
  ])('refuses %s', (_, experiment) => {
    expect(validate({ config: { 'agent-experiment:experiment': experiment } })).toBe(false);
    expect(validate({ config: { 'agent-experiment:experiment': { load: { rate: '8/s' } } } })).toBe(true);
  });

  test('describes every key', () => {
    expect(undescribed(committed, '')).toEqual([]);
  });
});

describe('loadExperiment', () => {
  const body = 'phase: 1\nagents: 60\n';

  test.each([
    ['a stack file', `config:\n  gcp:region: x\n  agent-experiment:experiment: { phase: 1, agents: 60 }\n`],
    ['the object under its key', 'agent-experiment:experiment: { phase: 1, agents: 60 }'],
    ['the bare object', body],
  ])('reads %s', (_, text) => {
    expect(loadExperiment(text, 'x.yaml').fleet.agents).toBe(60);
  });

  test('tells the line of a wrong value', () => {
    expect(() =>
      loadExperiment('config:\n  agent-experiment:experiment:\n    agents: 5\n    load:\n      rate: 500\n', 'x.yaml'),
    ).toThrow('(got 500, line 5)');
  });

  test.each([
    ['a broken quote', 'phase: "1\nagents: 2\n', /x\.yaml:\d+:\d+/],
    ['a bracket that was cut off', 'phase: 1\nload: { rate: 500/min', /x\.yaml:2:\d+/],
    ['a key that was cut off', 'phase: 1\nagents: 50\ndurat', /x\.yaml:3:\d+/],
    ['a key that is there twice', 'phase: 1\nphase: 2\n', /x\.yaml:2:\d+/],
    ['nothing', '# only a remark\n', /is empty/],
    ['an alias to nothing', 'load: *nowhere\n', /x\.yaml/],
  ])('refuses %s as unreadable, with the place', (_, text, message) => {
    expect(() => loadExperiment(text, 'x.yaml')).toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE', message: expect.stringMatching(message) as string }),
    );
  });

  test('a value that was cut off is a problem of its key', () => {
    expect(() => loadExperiment('phase: 1\nduration:', 'x.yaml')).toThrow('duration: is empty');
  });

  test.each([
    ['a list', '- 1\n'],
    ['a stack file without an experiment', 'config: { gcp:region: x }\n'],
  ])('refuses %s as no experiment', (_, text) => {
    expect(() => loadExperiment(text, 'x.yaml')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('describeExperiment', () => {
  test('says in a few lines what will be run', () => {
    expect(describeExperiment(loadExperiment('phase: 3', 'x.yaml'))).toEqual([
      'Phase 3: full scale, 72h, seed 1',
      'Agents: 200 × 4 slots = 800 tasks at a time, in 4 zones, 9 in reserve',
      expect.stringMatching(
        /^Load: 500\/min, \d+ bursts to 1000\/min, uniform arrivals: 2,[23]\d\d,\d{3} tasks of 38s on average$/,
      ),
      'Scaling: predictive, 50 to 250 agents',
      'Chaos: agent_kill 10% every 15min',
    ]);
  });

  test('names stages, lasting faults and declared overload', () => {
    const lines = (scenario: 'scale_out' | 'chaos'): string =>
      describeExperiment(loadExperiment('{}', 'x.yaml', { scenario })).join('\n');
    expect(lines('scale_out')).toContain('Agents: 50, 100, 150, 200 by stage');
    expect(lines('scale_out')).toContain('Declared overload: graceful_degradation');
    expect(lines('chaos')).toContain('network_delay 500ms for 1min every 30min; coordinator_failover at 2h');
  });
});

/** Paths of the keys that have no description, followed through lists, unions and blocks. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const node = schema as Record<string, unknown>;
  const properties = Object.entries((node['properties'] ?? {}) as Record<string, Record<string, unknown>>);
  const bare = properties
    .filter(([, property]) => property['description'] === undefined && !hasInnerDescription(property))
    .map(([key]) => `${path}.${key}`);
  const inner = [
    ...properties,
    ...listOf(node, 'anyOf'),
    ...listOf(node, 'oneOf'),
    ...Object.entries(node['$defs'] ?? {}),
    ['items', node['items']],
    ['*', node['additionalProperties']],
  ] satisfies [string, unknown][];
  return [...bare, ...inner.flatMap(([key, value]) => undescribed(value, `${path}.${key}`))];
}

function listOf(node: Record<string, unknown>, key: string): [string, unknown][] {
  return Object.entries((node[key] ?? []) as unknown[]);
}

function hasInnerDescription(property: Record<string, unknown>): boolean {
  return listOf(property, 'anyOf').some(
    ([, option]) => (option as Record<string, unknown>)['description'] !== undefined,
  );
}
