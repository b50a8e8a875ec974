import { z } from 'zod';

/**
 * How tasks are carried out on a real target. A rehearsal simulates its agents whatever is written here: it must cost
 * nothing and call nobody.
 */
export type ExecutorRules =
  | { readonly type: 'simulated' }
  | (RealAgentRules & { readonly type: 'command'; readonly command: CommandRules })
  | (RealAgentRules & { readonly type: 'http'; readonly http: HttpRules });

/** What real agents have in common, however they are reached. */
export interface RealAgentRules {
  /** `agent_type` on the wire, for every task type of the experiment. */
  readonly agentTypes: Readonly<Record<string, string>>;
  /** Payload template for every task type; `{name}` in its texts is replaced (see `runtime/agents/wire-task.ts`). */
  readonly payloads: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Lists that rotate with the task's index: the n-th task gets the entry n mod length. */
  readonly values: Readonly<Record<string, ReadonlyArray<string | number>>>;
  /** In the order in which they are asked; none = nothing is limited. */
  readonly providers: readonly ProviderRules[];
}

/**
 * What a failure comes to: `retry` another attempt, `final` failed for good, `unavailable` another attempt and one
 * more failure of the provider for its circuit breaker, `rate_limited` another attempt, the key put aside.
 */
export type FailureClass = 'retry' | 'final' | 'unavailable' | 'rate_limited';

/** What a program's standard output is: our wire result, the envelope of Miyabi's `--json`, or of no interest. */
export type OutputFormat = 'result' | 'miyabi' | 'none';

export interface CommandRules {
  /** Program and arguments, each a template; no shell comes between. */
  readonly run: readonly string[];
  readonly cwd: string | null;
  /** Environment of the program: these, … */
  readonly env: Readonly<Record<string, string>>;
  /** … and these of our own, where they are set. */
  readonly passEnv: readonly string[];
  readonly output: OutputFormat;
  /** By exit code as text; `other` for those not named. */
  readonly exitCodes: Readonly<Record<string, FailureClass | 'success'>>;
  readonly maxOutputBytes: number;
  /** From SIGTERM to SIGKILL at a timeout. */
  readonly killGraceMs: number;
  /** Resident memory of the whole process tree; null = no limit. */
  readonly memoryBytes: number | null;
}

export interface HttpRules {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers whose values are taken from environment variables: header → variable. */
  readonly secretHeaders: Readonly<Record<string, string>>;
  /** By status code as text, then by `4xx` or `5xx`. */
  readonly statuses: Readonly<Record<string, FailureClass>>;
  /** How often a task that was accepted (202) is asked about. */
  readonly pollMs: number;
  /** Where the server may report instead; null = it is asked. `url` as the server sees it, null = as listened on. */
  readonly callback: { readonly host: string; readonly port: number; readonly url: string | null } | null;
  readonly maxResponseBytes: number;
  /** Connections open at a time, and kept. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

/** A provider of models, with its API keys. */
export interface ProviderRules {
  readonly name: string;
  readonly keys: readonly KeyRules[];
  /** Environment variable (command) or header (http) the key itself is handed on in; null = only its name is. */
  readonly sendAs: string | null;
  /** Calls under way at a time; null = as many as come. */
  readonly concurrency: number | null;
  readonly breaker: BreakerRules;
}

export interface KeyRules {
  readonly name: string;
  /** Environment variable that holds the key; null = the agent has its own, and is only told the name. */
  readonly env: string | null;
  /** No minute sees more requests than this. */
  readonly ratePerMin: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

export interface BreakerRules {
  /** Failures in a row after which the provider is left alone. */
  readonly failures: number;
  /** For how long, before a single request tries it again. */
  readonly openMs: number;
}

const amount = z.number().min(0);
const texts = z.record(z.string(), z.string());
const failureClass = z.enum(['retry', 'final', 'unavailable', 'rate_limited']);

const realAgents = {
  agentTypes: texts,
  payloads: z.record(z.string(), z.record(z.string(), z.unknown())),
  values: z.record(z.string(), z.array(z.union([z.string(), z.number()])).min(1)),
  providers: z.array(
    z.object({
      name: z.string(),
      keys: z.array(
        z.object({ name: z.string(), env: z.string().nullable(), ratePerMin: z.number().positive(), burst: amount }),
      ),
      sendAs: z.string().nullable(),
      concurrency: amount.nullable(),
      breaker: z.object({ failures: amount, openMs: amount }),
    }),
  ),
};

/** A compiled `executor` read back. Records from before there was one were made with simulated agents. */
export const compiledExecutor: z.ZodType<ExecutorRules> = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('simulated') }),
    z.object({
      type: z.literal('command'),
      ...realAgents,
      command: z.object({
        run: z.array(z.string()).min(1),
        cwd: z.string().nullable(),
        env: texts,
        passEnv: z.array(z.string()),
        output: z.enum(['result', 'miyabi', 'none']),
        exitCodes: z.record(z.string(), z.union([failureClass, z.literal('success')])),
        maxOutputBytes: amount,
        killGraceMs: amount,
        memoryBytes: amount.nullable(),
      }),
    }),
    z.object({
      type: z.literal('http'),
      ...realAgents,
      http: z.object({
        url: z.string(),
        headers: texts,
        secretHeaders: texts,
        statuses: z.record(z.string(), failureClass),
        pollMs: amount,
        callback: z.object({ host: z.string(), port: amount, url: z.string().nullable() }).nullable(),
        maxResponseBytes: amount,
        connections: amount,
        connectTimeoutMs: amount,
      }),
    }),
  ])
  .prefault({ type: 'simulated' });
