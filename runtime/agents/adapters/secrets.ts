import type { Problem } from '../../kernel/errors.js';
import type { ExecutorRules } from '../../spec/executor-rules.js';
import type { ApiKeyName } from '../port.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names under which our own environment holds what nobody should read in a log. */
const SECRET_NAME = /token|secret|passw|api_?key|credential|auth/i;

/**
 * The secrets of an executor, read from the environment at the start. They go where the config says, and are taken out
 * of everything that is kept of what agents say.
 */
export class Secrets {
  /** Every secret value there is. */
  readonly all: readonly string[];
  /** Header → value. */
  readonly headers: Readonly<Record<string, string>>;
  private readonly keys = new Map<string, { readonly sendAs: string; readonly value: string }>();

  /** Variables that are not set count as empty; {@link missingVariables} tells of them. */
  constructor(rules: ExecutorRules, environment: Environment) {
    const values: string[] = [];
    if (rules.type !== 'simulated') {
      for (const { name, keys, sendAs } of rules.providers) {
        for (const { name: key, env } of keys) {
          const value = env === null ? '' : (environment[env] ?? '');
          values.push(value);
          if (sendAs !== null && value !== '') this.keys.set(`${name}/${key}`, { sendAs, value });
        }
      }
    }
    const named = rules.type === 'http' ? Object.entries(rules.http.secretHeaders) : [];
    this.headers = Object.fromEntries(named.map(([header, env]) => [header, environment[env] ?? '']));
    const passed = rules.type === 'command' ? rules.command.passEnv.filter((name) => SECRET_NAME.test(name)) : [];
    values.push(...Object.values(this.headers), ...passed.map((name) => environment[name] ?? ''));
    this.all = values.filter((value) => value !== '');
  }

  /** The value of a key and the variable or header it is sent in; null where agents are told its name only. */
  ofKey({ provider, key }: ApiKeyName): { readonly sendAs: string; readonly value: string } | null {
    return this.keys.get(`${provider}/${key}`) ?? null;
  }
}

/** Environment variables the config names and that are not set: without them nothing can work. */
export function missingVariables(rules: ExecutorRules, environment: Environment): Problem[] {
  if (rules.type === 'simulated') return [];
  const named = rules.providers.flatMap(({ name, keys }) =>
    keys.flatMap(({ name: key, env }): Array<readonly [path: string, env: string]> =>
      env === null ? [] : [[`executor.providers.${name}.keys.${key}.env`, env]],
    ),
  );
  if (rules.type === 'http') {
    for (const [header, env] of Object.entries(rules.http.secretHeaders)) {
      named.push([`executor.http.secretHeaders.${header}`, env]);
    }
  }
  return named
    .filter(([, env]) => (environment[env] ?? '') === '')
    .map(([path, env]) => ({
      path,
      value: env,
      message: 'names an environment variable that is not set',
      hint: `set it where agents run: export ${env}=…`,
    }));
}
