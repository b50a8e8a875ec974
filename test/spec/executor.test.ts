import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { compileExperiment } from '../../runtime/spec/compile.js';
import { parseCompiledExperiment } from '../../runtime/spec/compiled-schema.js';
import type { ExecutorRules } from '../../runtime/spec/executor-rules.js';
import { parseExperiment } from '../../runtime/spec/parse.js';

const SOURCE = { file: 'test.yaml', pathPrefix: '' };

function compiled(executor: unknown): ExecutorRules {
  return compileExperiment(parseExperiment({ executor }, SOURCE)).executor;
}

function problems(executor: unknown, rest: object = {}): readonly Problem[] {
  try {
    parseExperiment({ executor, ...rest }, SOURCE);
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems;
    throw error;
  }
  return [];
}

const HTTP = { type: 'http', http: { url: 'http://agents.local/tasks' } };
const KEYS = { keys: { main: { env: 'ACME_KEY', rate: '500/min' } } };

describe('executor in the experiment', () => {
  it('is simulated where nothing is written, and in records from before there was a choice', () => {
    expect(compiled(undefined)).toEqual({ type: 'simulated' });
    const experiment = compileExperiment({ phase: 1 });
    const { executor: _, ...old } = experiment;
    expect(parseCompiledExperiment(JSON.parse(JSON.stringify(old)))).toEqual(experiment);
  });

  it('takes Miyabi’s command line, output, exit codes and agents from the preset', () => {
    const rules = compiled({ type: 'command', values: { issue: [1, 2] }, command: { preset: 'miyabi' } });
    expect(rules).toMatchObject({
      type: 'command',
      agentTypes: { code_generation: 'codegen', code_review: 'review' },
      command: {
        run: ['miyabi', 'agent', 'run', '{agent_type}', '--issue={issue}', '--json'],
        output: 'miyabi',
        exitCodes: { '0': 'success', '1': 'retry', '2': 'final', '3': 'final', '4': 'unavailable', '5': 'final' },
        passEnv: expect.arrayContaining(['PATH', 'GITHUB_TOKEN']),
      },
    });
  });

  it('lets what is written beside a preset count', () => {
    const rules = compiled({
      type: 'command',
      agentTypes: { lightweight: 'coordinator' },
      values: { issue: [1] },
      command: {
        preset: 'miyabi',
        exitCodes: { '5': 'unavailable' },
        output: 'none',
        maxOutput: '2Ki',
        memory: '512Mi',
      },
    });
    expect(rules).toMatchObject({
      agentTypes: { lightweight: 'coordinator', code_review: 'review' },
      command: { exitCodes: { '0': 'success', '5': 'unavailable', other: 'retry' }, output: 'none' },
    });
    expect(rules).toMatchObject({ command: { maxOutputBytes: 2_048, memoryBytes: 512 * 2 ** 20, killGraceMs: 5_000 } });
  });

  it('compiles providers in their order, with what nobody wrote filled in', () => {
    const rules = compiled({
      ...HTTP,
      providers: {
        acme: KEYS,
        other: { keys: { k: { rate: '8/s', burst: 10 } }, concurrency: 5, breaker: { open: '1min' } },
      },
    });
    expect(rules).toMatchObject({
      providers: [
        {
          name: 'acme',
          keys: [{ name: 'main', env: 'ACME_KEY', ratePerMin: 500, burst: 1 }],
          sendAs: null,
          concurrency: null,
          breaker: { failures: 5, openMs: 30_000 },
        },
        {
          name: 'other',
          keys: [{ env: null, ratePerMin: 480, burst: 10 }],
          concurrency: 5,
          breaker: { openMs: 60_000 },
        },
      ],
    });
  });

  it('takes the address of a callback apart', () => {
    const callback = (listen: string) =>
      compiled({ type: 'http', http: { ...HTTP.http, callback: { listen, url: 'http://us:1/' } } });
    expect(callback('0.0.0.0:8090')).toMatchObject({ http: { callback: { host: '0.0.0.0', port: 8_090 } } });
    expect(callback('[::1]:0')).toMatchObject({ http: { callback: { host: '::1', port: 0, url: 'http://us:1/' } } });
  });

  it('survives being written and read', () => {
    for (const executor of [
      { ...HTTP, providers: { acme: KEYS } },
      { type: 'command', command: { run: ['x'] } },
    ]) {
      const experiment = compileExperiment(parseExperiment({ executor }, SOURCE));
      expect(parseCompiledExperiment(JSON.parse(JSON.stringify(experiment)))).toEqual(experiment);
    }
  });

  it.each<[string, unknown, object, Partial<Problem>]>([
    [
      'an unknown type',
      { type: 'comand' },
      {},
      { path: 'executor.type', value: '"comand"', hint: 'did you mean command?' },
    ],
    [
      'no program',
      { type: 'command' },
      {},
      { path: 'executor.command.run', message: expect.stringContaining('is missing') },
    ],
    ['no address', { type: 'http' }, {}, { path: 'executor.http.url', message: expect.stringContaining('is missing') }],
    [
      'an address that is none',
      { type: 'http', http: { url: 'agents.local' } },
      {},
      {
        path: 'executor.http.url',
        value: '"agents.local"',
        message: expect.stringContaining('must be an address such as'),
      },
    ],
    [
      'a placeholder of Miyabi without issues to give',
      { type: 'command', command: { preset: 'miyabi' } },
      {},
      { path: 'executor.command.run', hint: 'add the list it takes turns in: executor.values.issue' },
    ],
    [
      'a placeholder with a slip',
      { ...HTTP, payload: { deep: [{ text: 'do {task_typ}' }] } },
      {},
      { path: 'executor.payload', hint: 'did you mean {task_type}?' },
    ],
    [
      'an agent for a task type that is none',
      { ...HTTP, agentTypes: { code_reviews: 'review' } },
      {},
      { path: 'executor.agentTypes.code_reviews', hint: 'did you mean "code_review"?' },
    ],
    [
      'a secret in a header',
      { type: 'http', http: { ...HTTP.http, headers: { Authorization: 'Bearer abcdefghij' } } },
      {},
      { path: 'executor.http.headers.Authorization', value: '"Bearer [redacted]"' },
    ],
    [
      'a secret in the environment of a program',
      { type: 'command', command: { run: ['x'], env: { GITHUB_TOKEN: 'ghp_abcdefghijklmnop' } } },
      {},
      { path: 'executor.command.env.GITHUB_TOKEN', value: '"[redacted]"', hint: expect.stringContaining('passEnv') },
    ],
    [
      'a key in place of the name of its variable',
      { ...HTTP, providers: { acme: { keys: { main: { env: 'sk-ant-abcdefghijk', rate: '500/min' } } } } },
      {},
      { path: 'executor.providers.acme.keys.main.env', value: '"[redacted]"' },
    ],
    [
      'a key without a limit',
      { ...HTTP, providers: { acme: { keys: { main: { env: 'ACME' } } } } },
      {},
      { path: 'executor.providers.acme.keys.main.rate', message: expect.stringContaining('must be a rate') },
    ],
    [
      'a provider without keys',
      { ...HTTP, providers: { acme: { keys: {} } } },
      { expect: 'backlog' },
      { path: 'executor.providers.acme.keys' },
    ],
    [
      'a burst above the limit',
      { ...HTTP, providers: { acme: { keys: { main: { rate: '500/min', burst: 501 } } } } },
      {},
      { path: 'executor.providers.acme.keys.main.burst' },
    ],
    [
      'keys that cannot carry the load',
      { ...HTTP, providers: { acme: { keys: { main: { rate: '30/min' } } } } },
      {},
      { path: 'executor.providers', message: expect.stringContaining('30/min') },
    ],
    [
      'a callback nobody can reach',
      { type: 'http', http: { ...HTTP.http, callback: { listen: '0.0.0.0:80' } } },
      {},
      { path: 'executor.http.callback.url' },
    ],
    [
      'a grace longer than the task',
      { type: 'command', command: { run: ['x'], killGrace: '2min' } },
      { tasks: { timeout: '90s' } },
      { path: 'executor.command.killGrace' },
    ],
    [
      'a payload that is too long',
      { ...HTTP, payload: { text: 'x'.repeat(70_000) } },
      {},
      { path: 'executor.payload', message: expect.stringContaining('at most 64Ki') },
    ],
    [
      'an exit code that is none',
      { type: 'command', command: { run: ['x'], exitCodes: { one: 'retry' } } },
      {},
      { path: 'executor.command.exitCodes.one' },
    ],
    [
      'a status class that is none',
      { type: 'http', http: { ...HTTP.http, statuses: { '500': 'sometimes' } } },
      {},
      { path: 'executor.http.statuses.500', message: expect.stringContaining('retry, final') },
    ],
  ])('refuses %s, with place and what is allowed', (_name, executor, rest, expected) => {
    expect(problems(executor, rest)).toMatchObject([expected]);
  });

  it('lets keys be too few where that is declared', () => {
    const executor = { ...HTTP, providers: { acme: { keys: { main: { rate: '30/min' } } } } };
    expect(problems(executor, { expect: 'backlog' })).toEqual([]);
  });
});
