import { z } from 'zod';
import { ERROR_CODES, ExperimentError, type ErrorCode } from '../kernel/errors.js';
import { SECOND } from '../kernel/units.js';
import type { Clock } from '../kernel/clock.js';
import type { ExperimentEvent, RunState } from '../observe/events.js';
import type { LiveRun } from './find-run.js';
import type { RunStatus } from './port.js';

/** How long a run is given to answer. */
const ANSWER_WITHIN_MS = 5 * SECOND;

/** What comes out of a run that is watched. */
export type WatchMessage =
  | { readonly type: 'status' | 'end'; readonly status: RunStatus }
  | { readonly type: 'event'; readonly event: ExperimentEvent };

const errorBody = z.object({
  code: z.custom<ErrorCode>((code) => typeof code === 'string' && code in ERROR_CODES),
  headline: z.string(),
  problems: z.array(
    z.object({
      path: z.string(),
      value: z.string().exactOptional(),
      message: z.string(),
      hint: z.string().exactOptional(),
    }),
  ),
});

/** Talks to a run's control API. What the run refuses comes as the same ExperimentError it was refused with. */
export class ControlClient {
  constructor(
    private readonly run: LiveRun,
    private readonly clock: Clock,
    private readonly answerWithinMs = ANSWER_WITHIN_MS,
  ) {}

  async status(): Promise<RunStatus> {
    return (await this.ask('GET', 'status')) as RunStatus;
  }

  /** Gives a command; answers what it says, at least the state the run is in afterwards. */
  async command(name: string, body: object = {}): Promise<{ readonly state: RunState } & Record<string, unknown>> {
    return (await this.ask('POST', name, body)) as { state: RunState };
  }

  /** Everything that happens from now on; ends with the run, or when `signal` aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const response = await this.send('GET', 'events', undefined, signal);
    if (!response.ok || response.body === null) throw await refusal(response);
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const message = readMessage(text.slice(0, end));
          text = text.slice(end + 2);
          if (message !== null) yield message;
        }
      }
    } catch (error) {
      // Called off, or the process at the other end is gone: there is nothing more to watch either way.
      if (!signal.aborted && !(error instanceof TypeError)) throw error;
    }
  }

  private async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const limit = new AbortController();
    const timer = this.clock.after(this.answerWithinMs, () => {
      limit.abort();
    });
    try {
      const response = await this.send(method, path, body, limit.signal);
      if (!response.ok) throw await refusal(response);
      return await response.json();
    } catch (error) {
      if (limit.signal.aborted) throw this.silent(error);
      throw error;
    } finally {
      timer.cancel();
    }
  }

  private async send(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const { port, token } = this.run.control;
    try {
      return await fetch(`http://127.0.0.1:${port}/${path}`, {
        method,
        signal,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      throw this.unreachable(error);
    }
  }

  private silent(cause: unknown): ExperimentError {
    const problem = {
      path: this.run.folder,
      message: `process ${this.run.control.pid} lives, but has not answered for ${this.answerWithinMs / SECOND} s`,
      hint: 'try again; ./experiment.sh emergency-stop ends it even so',
    };
    return new ExperimentError('NO_ANSWER', 'the run does not answer', [problem], { cause });
  }

  private unreachable(cause: unknown): ExperimentError {
    const problem = {
      path: this.run.folder,
      message: 'nobody listens where its control.json says',
      hint: `if it has just ended, its report is there; else build it: ./experiment.sh report ${this.run.folder}`,
    };
    return new ExperimentError('NO_RUN', 'the run is not there any more', [problem], { cause });
  }
}

async function refusal(response: Response): Promise<ExperimentError> {
  const text = await response.text();
  const parsed = errorBody.safeParse(asJson(text));
  if (parsed.success) return new ExperimentError(parsed.data.code, parsed.data.headline, parsed.data.problems);
  return new ExperimentError('INTERNAL', 'the run gave an answer that is not understood', [
    { path: `status ${response.status}`, message: text.slice(0, 200) },
  ]);
}

function readMessage(text: string): WatchMessage | null {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = asJson(fields.get('data') ?? '');
  switch (fields.get('event')) {
    case 'status':
      return { type: 'status', status: data as RunStatus };
    case 'end':
      return { type: 'end', status: data as RunStatus };
    case 'event':
      return { type: 'event', event: data as ExperimentEvent };
    default:
      return null;
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
