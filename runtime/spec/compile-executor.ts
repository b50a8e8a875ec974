import { MIYABI, PLACEHOLDERS } from './executor.js';
import type { ExecutorRules, FailureClass, HttpRules, ProviderRules } from './executor-rules.js';
import type { CompleteOptions } from './options.js';

type ExecutorSection = CompleteOptions['executor'];

/** What a template may refer to. */
export function placeholdersOf(options: Pick<ExecutorSection, 'values'>): string[] {
  return [...PLACEHOLDERS, ...Object.keys(options.values)];
}

/** Program and arguments as written, or the preset's; null when neither is there. */
export function commandLine(options: ExecutorSection['command']): readonly string[] | null {
  return options.run ?? (options.preset === 'miyabi' ? MIYABI.run : null);
}

/**
 * Compiles the section, defaults in; what must be there for its type has been checked (checks-executor.ts).
 *
 * @param taskTypes names of the task types of the experiment.
 */
export function compileExecutor(options: ExecutorSection, taskTypes: readonly string[]): ExecutorRules {
  const { type, command, http } = options;
  if (type === 'simulated') return { type };
  const preset = type === 'command' && command.preset === 'miyabi' ? MIYABI : null;
  const presetTypes: Readonly<Record<string, string>> = preset?.agentTypes ?? {};
  const common = {
    agentTypes: byName(taskTypes, (name) => options.agentTypes[name] ?? presetTypes[name] ?? name),
    payloads: byName(taskTypes, (name) => options.payloads[name] ?? options.payload),
    values: options.values,
    providers: Object.entries(options.providers).map(([name, one]) => compileProvider(name, one)),
  };
  if (type === 'http') {
    return {
      type,
      ...common,
      http: {
        url: http.url ?? '',
        headers: http.headers,
        secretHeaders: http.secretHeaders,
        statuses: http.statuses,
        pollMs: http.poll,
        callback: callbackOf(http.callback),
        maxResponseBytes: http.maxResponse,
        connections: http.connections,
        connectTimeoutMs: http.connectTimeout,
      },
    };
  }
  const exitCodes: Readonly<Record<string, FailureClass | 'success'>> = command.exitCodes ?? preset?.exitCodes ?? {};
  return {
    type,
    ...common,
    command: {
      run: commandLine(command) ?? [],
      cwd: command.cwd,
      env: { ...preset?.env, ...command.env },
      passEnv: [...new Set([...command.passEnv, ...(preset?.passEnv ?? [])])],
      output: command.output ?? preset?.output ?? 'result',
      exitCodes: { '0': 'success', other: 'retry', ...exitCodes },
      maxOutputBytes: command.maxOutput,
      killGraceMs: command.killGrace,
      memoryBytes: command.memory,
    },
  };
}

/** Entries of a record have no defaults laid under them: what nobody wrote is filled in here. */
function compileProvider(name: string, options: ExecutorSection['providers'][string]): ProviderRules {
  const { sendAs, concurrency, breaker }: Partial<ExecutorSection['providers'][string]> = options;
  const { failures, open }: Partial<NonNullable<typeof breaker>> = breaker ?? {};
  return {
    name,
    keys: Object.entries(options.keys).map(([keyName, key]) => {
      const { env, burst }: Partial<typeof key> = key;
      return { name: keyName, env: env ?? null, ratePerMin: key.rate, burst: burst ?? 1 };
    }),
    sendAs: sendAs ?? null,
    concurrency: concurrency ?? null,
    breaker: { failures: failures ?? 5, openMs: open ?? 30_000 },
  };
}

function callbackOf(callback: ExecutorSection['http']['callback']): HttpRules['callback'] {
  if (callback === null) return null;
  const colon = callback.listen.lastIndexOf(':');
  const host = callback.listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(callback.listen.slice(colon + 1)), url: callback.url ?? null };
}

function byName<T>(names: readonly string[], value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
