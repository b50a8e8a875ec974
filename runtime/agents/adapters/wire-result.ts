import { z } from 'zod';
import { redact } from '../../kernel/redact.js';
import type { FailureClass, OutputFormat } from '../../spec/executor-rules.js';
import type { CallVerdict, Ending, ReportedUsage } from '../port.js';

/** Longest `detail` of an ending, characters. */
const LONGEST_DETAIL = 2_000;

/** Longest reason taken over from an agent. */
const LONGEST_REASON = 64;

const tokens = z.number().min(0).max(1e12);

/** Numbers an agent reports of its work, in the spellings in use; what else it reports is of no interest here. */
const metrics = z.looseObject({
  input_tokens: tokens.optional(),
  inputTokens: tokens.optional(),
  output_tokens: tokens.optional(),
  outputTokens: tokens.optional(),
  usd: z.number().min(0).max(1e9).optional(),
  cost_usd: z.number().min(0).max(1e9).optional(),
});

/** A result on the wire (design.md §5). */
const wireResult = z.looseObject({
  task_id: z.string(),
  status: z.enum(['success', 'failed']),
  duration_ms: z.number().min(0).optional(),
  output: z.unknown().optional(),
  error: z
    .union([z.string(), z.looseObject({ code: z.string().optional(), message: z.string().optional() })])
    .nullable()
    .optional(),
  metrics: metrics.nullable().optional(),
});

/** What Miyabi prints with `--json`: `{success, data}` or `{success, error: {code, message, recoverable}}`. */
const miyabiOutput = z.union([
  z.looseObject({ success: z.literal(true), data: z.unknown().optional() }),
  z.looseObject({
    success: z.literal(false),
    error: z.looseObject({
      code: z.string(),
      message: z.string(),
      recoverable: z.boolean().optional(),
      suggestion: z.string().optional(),
    }),
    data: z.unknown().optional(),
  }),
]);

/** What an agent said of its work, or why it cannot be understood. */
export type Said =
  | { readonly understood: true; readonly status: 'success'; readonly usage: ReportedUsage | null }
  | {
      readonly understood: true;
      readonly status: 'failed';
      readonly usage: ReportedUsage | null;
      /** Machine-readable. */
      readonly reason: string;
      readonly detail: string | null;
      /** The agent itself says that trying again is of no use. */
      readonly final: boolean;
    }
  | {
      readonly understood: false;
      readonly reason: 'no_output' | 'garbage_output' | 'foreign_result';
      readonly detail: string | null;
    };

/** Reads what an agent wrote about the task `taskId`. */
export function readResult(text: string, format: Exclude<OutputFormat, 'none'>, taskId: string): Said {
  if (text.trim() === '') return { understood: false, reason: 'no_output', detail: null };
  const json = parseJson(text);
  if (json === undefined) return { understood: false, reason: 'garbage_output', detail: `no JSON: ${text.trim()}` };
  return format === 'result' ? fromWire(json, taskId) : fromMiyabi(json);
}

function fromWire(json: unknown, taskId: string): Said {
  const parsed = wireResult.safeParse(json);
  if (!parsed.success) return garbage(parsed.error);
  const { task_id, status, error, metrics: reported } = parsed.data;
  if (task_id !== taskId) {
    return { understood: false, reason: 'foreign_result', detail: `a result of task ${task_id} instead of ${taskId}` };
  }
  const usage = usageOf(reported);
  if (status === 'success') return { understood: true, status, usage };
  const [code, message] =
    typeof error === 'string' ? [error, error] : [error?.code ?? error?.message ?? '', error?.message ?? null];
  return { understood: true, status, usage, reason: reasonOf(code), detail: message, final: false };
}

function fromMiyabi(json: unknown): Said {
  const parsed = miyabiOutput.safeParse(json);
  if (!parsed.success) return garbage(parsed.error);
  const said = parsed.data;
  const data = z.looseObject({ metrics: metrics.nullable().optional() }).safeParse(said.data);
  const usage = usageOf(data.success ? data.data.metrics : null);
  if (said.success) return { understood: true, status: 'success', usage };
  const { code, message, recoverable, suggestion } = said.error;
  const detail = suggestion === undefined ? message : `${message} (${suggestion})`;
  return { understood: true, status: 'failed', usage, reason: reasonOf(code), detail, final: recoverable === false };
}

function garbage(error: z.ZodError): Said {
  const [issue] = error.issues;
  const detail = issue === undefined ? null : `${issue.path.join('.') || 'the result'}: ${issue.message}`;
  return { understood: false, reason: 'garbage_output', detail };
}

function usageOf(reported: z.infer<typeof metrics> | null | undefined): ReportedUsage | null {
  if (reported === null || reported === undefined) return null;
  const input = reported.input_tokens ?? reported.inputTokens;
  const output = reported.output_tokens ?? reported.outputTokens;
  const usd = reported.usd ?? reported.cost_usd ?? null;
  if (input === undefined && output === undefined && usd === null) return null;
  return { inputTokens: input ?? 0, outputTokens: output ?? 0, usd };
}

/** The whole text as JSON, or its last line: programs like to chat before they answer. */
function parseJson(text: string): unknown {
  const lastLine = text.trimEnd().split('\n').at(-1) ?? '';
  for (const candidate of [text, lastLine]) {
    try {
      return JSON.parse(candidate) as unknown;
    } catch {
      // The next one.
    }
  }
  return undefined;
}

/** A reason that can be counted: `MISSING_GITHUB_TOKEN` → `agent:missing_github_token`. */
function reasonOf(code: string): string {
  const plain = redact(code)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, LONGEST_REASON);
  return plain === '' ? 'executor_failed' : `agent:${plain}`;
}

/** What is kept of an agent's complaint: its end, without secrets. */
export function shortDetail(text: string | null, secrets: readonly string[]): string | null {
  // Cut last, or a secret cut in two would not be found; but not all of a megabyte is looked through.
  const safe = redact((text ?? '').slice(-4 * LONGEST_DETAIL), secrets).trim();
  return safe === '' ? null : safe.slice(-LONGEST_DETAIL);
}

const VERDICTS: Readonly<Record<FailureClass, CallVerdict>> = {
  retry: 'ok',
  final: 'ok',
  unavailable: 'failed',
  rate_limited: 'limited',
};

/** An ending without success, of a class of the config. */
export function failureOf(
  kind: FailureClass,
  error: string,
  more: { detail?: string | null; usage?: ReportedUsage | null; retryAfterMs?: number } = {},
): Ending {
  return {
    status: 'failed',
    error,
    retryAfterMs: more.retryAfterMs ?? 0,
    final: kind === 'final',
    verdict: VERDICTS[kind],
    detail: more.detail ?? null,
    usage: more.usage ?? null,
  };
}

/** The ending an agent's own words come to; `secrets` are kept out of it. */
export function endingOf(said: Said, secrets: readonly string[]): Ending {
  if (!said.understood) return failureOf('retry', said.reason, { detail: shortDetail(said.detail, secrets) });
  const { usage } = said;
  if (said.status === 'failed') {
    return failureOf(said.final ? 'final' : 'retry', said.reason, { detail: shortDetail(said.detail, secrets), usage });
  }
  return { status: 'success', error: null, retryAfterMs: 0, final: false, verdict: 'ok', detail: null, usage };
}
