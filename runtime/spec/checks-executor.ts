import type { Report } from './contradiction.js';
import { commandLine, placeholdersOf } from './compile-executor.js';
import type { CompleteOptions } from './options.js';
import { nearest } from './problems.js';
import { formatRate, formatSize } from './units.js';

/** A payload travels with every attempt, and through every log that is asked for it. */
const LONGEST_PAYLOAD_BYTES = 64 * 1_024;

/** What is written in a config ends up in spec.json and in version control. */
const SECRET_NAME = /token|secret|passw|api_?-?key|credential|^authorization$|^cookie$/i;

/** What must hold between the parts of `executor`, and between it and the rest. */
export function checkExecutor(options: CompleteOptions, report: Report): void {
  const { executor } = options;
  checkNames(options, report);
  checkPayloads(options, report);
  checkProviders(options, report);
  if (executor.type === 'command') checkCommand(options, report);
  if (executor.type === 'http') checkHttp(options, report);
}

function checkNames({ executor, tasks }: CompleteOptions, report: Report): void {
  const types = Object.keys(tasks.types);
  for (const section of ['agentTypes', 'payloads'] as const) {
    for (const name of Object.keys(executor[section])) {
      if (types.includes(name)) continue;
      const meant = nearest(name, types);
      const hint = meant === null ? 'remove it' : `did you mean "${meant}"?`;
      report(`executor.${section}.${name}`, `is no task type; there are ${types.join(', ')}`, hint, ['tasks.types']);
    }
  }
}

function checkPayloads({ executor }: CompleteOptions, report: Report): void {
  const allowed = placeholdersOf(executor);
  const check = (path: string, payload: unknown): void => {
    const bytes = Buffer.byteLength(JSON.stringify(payload));
    if (bytes > LONGEST_PAYLOAD_BYTES) {
      report(path, `is ${formatSize(bytes)} long; at most ${formatSize(LONGEST_PAYLOAD_BYTES)} travel with a task`);
    }
    checkTemplate(path, payload, allowed, report);
  };
  check('executor.payload', executor.payload);
  for (const [name, payload] of Object.entries(executor.payloads)) check(`executor.payloads.${name}`, payload);
}

function checkCommand({ executor, tasks }: CompleteOptions, report: Report): void {
  const { command } = executor;
  const line = commandLine(command);
  if (line === null) {
    report(
      'executor.command.run',
      'is missing: with type command it must say which program a task is given to',
      'add it: run: [my-agent, "--task={index}"], or preset: miyabi',
      ['executor.type'],
    );
  } else {
    checkTemplate('executor.command.run', line, placeholdersOf(executor), report);
    if ((line[0] ?? '') === '') report('executor.command.run', 'names no program: its first entry is empty');
  }
  for (const name of Object.keys(command.env)) refuseSecret(`executor.command.env.${name}`, name, 'passEnv', report);
  if (command.killGrace >= tasks.timeout) {
    report(
      'executor.command.killGrace',
      'must be shorter than tasks.timeout, or a slot is held longer by the end of a task than by the task',
      undefined,
      ['tasks.timeout'],
    );
  }
}

function checkHttp({ executor }: CompleteOptions, report: Report): void {
  const { http } = executor;
  if (http.url === null) {
    report('executor.http.url', 'is missing: with type http it must say where tasks are posted to', undefined, [
      'executor.type',
    ]);
  }
  for (const [name, value] of Object.entries(http.headers)) {
    refuseSecret(`executor.http.headers.${name}`, name, 'secretHeaders', report);
    if (/[^\t\x20-\x7e]/.test(value)) {
      report(`executor.http.headers.${name}`, 'must be one line of printable ASCII');
    }
  }
  const { callback } = http;
  if (callback === null) return;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(callback.listen) ?? [];
  if (Number(port) > 65_535) report('executor.http.callback.listen', 'has no such port; they go from 0 to 65535');
  if (callback.url === null || (callback.url as string | null | undefined) === undefined) {
    if (host === '0.0.0.0' || host === '[::]') {
      report(
        'executor.http.callback.url',
        `is missing: ${host} is no address a server could report to`,
        'add it: url: http://HOST:PORT',
        ['executor.http.callback.listen'],
      );
    }
  }
}

function checkProviders(options: CompleteOptions, report: Report): void {
  const { executor, load } = options;
  const providers = Object.entries(executor.providers);
  let allowedPerMin = 0;
  for (const [name, { keys }] of providers) {
    const path = `executor.providers.${name}.keys`;
    if (Object.keys(keys).length === 0) {
      report(path, 'needs at least one key', 'a provider without a key of ours has one with env: null');
    }
    for (const [keyName, { rate, burst }] of Object.entries(keys)) {
      allowedPerMin += rate;
      if ((burst as number | undefined) !== undefined && burst > 1 && burst > rate) {
        report(
          `${path}.${keyName}.burst`,
          `${burst} at once is more than the ${formatRate(rate)} the key is good for`,
          undefined,
          [`${path}.${keyName}.rate`],
        );
      }
    }
  }
  if (executor.type === 'simulated' || providers.length === 0 || options.expect !== null) return;
  if (allowedPerMin < load.rate) {
    report(
      'executor.providers',
      `all keys together allow ${formatRate(allowedPerMin)}, the load is ${formatRate(load.rate)}: tasks would pile up`,
      'add keys, lower load.rate, or declare it with expect: backlog',
      ['load.rate', 'expect'],
    );
  }
}

function refuseSecret(path: string, name: string, instead: string, report: Report): void {
  if (!SECRET_NAME.test(name)) return;
  report(
    path,
    'looks like a secret, and a config is no place for one',
    `keep it in an environment variable and name that under ${instead}, or under providers`,
  );
}

function checkTemplate(path: string, template: unknown, allowed: readonly string[], report: Report): void {
  for (const name of new Set(placeholdersIn(template))) {
    if (allowed.includes(name)) continue;
    const meant = nearest(name, allowed);
    report(
      path,
      `{${name}} stands for nothing; there are ${allowed.map((one) => `{${one}}`).join(', ')}`,
      meant === null ? `add the list it takes turns in: executor.values.${name}` : `did you mean {${meant}}?`,
      ['executor.values'],
    );
  }
}

function placeholdersIn(template: unknown): string[] {
  if (typeof template === 'string')
    return [...template.matchAll(/\{([a-z][a-z0-9_]*)\}/g)].map(([, name]) => name ?? '');
  if (typeof template !== 'object' || template === null) return [];
  return Object.values(template).flatMap(placeholdersIn);
}
