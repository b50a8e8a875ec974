import type { Clock, Timer } from '../../kernel/clock.js';
import { SECOND } from '../../kernel/units.js';
import type { FailureClass, HttpRules } from '../../spec/executor-rules.js';
import type { Ending, Order, Runner, Running } from '../port.js';
import { CallbackListener } from './callback-listener.js';
import { HttpCalls, retryAfterMs, type Answer, type NoAnswer } from './http-calls.js';
import type { Secrets } from './secrets.js';
import { endingOf, failureOf, readResult, shortDetail } from './wire-result.js';

/** An accepted task is asked about this often without an answer before it is given up. */
const MOST_FAILED_POLLS = 5;

export interface HttpRunnerOptions {
  readonly rules: HttpRules;
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** Secret of this run, for callbacks. */
  readonly token: string;
  readonly onError: (error: unknown) => void;
}

/**
 * A request per task: 200 with the result, or 202 and the result later, asked for or reported. Every attempt at a task
 * carries the same idempotency key, the task's id, so that a server that has got it already can answer from memory
 * instead of working twice.
 */
export class HttpRunner implements Runner {
  readonly stopMs = SECOND;
  readonly calls: HttpCalls;
  readonly callbacks: CallbackListener | null;
  readonly url: URL;

  constructor(readonly options: HttpRunnerOptions) {
    const { rules, clock, token, onError } = options;
    this.url = new URL(rules.url);
    this.calls = new HttpCalls(rules, clock);
    this.callbacks =
      rules.callback === null ? null : new CallbackListener(rules.callback, rules.maxResponseBytes, token, onError);
  }

  start(order: Order, ended: (ending: Ending) => void): Running {
    return new RunningRequest(this, order, ended);
  }

  async close(): Promise<void> {
    this.calls.close();
    await this.callbacks?.close();
  }
}

/** One task at a server. */
class RunningRequest implements Running {
  private over = false;
  private frozen = false;
  private cancelCall: (() => void) | null = null;
  private stopExpecting: (() => void) | null = null;
  private timer: Timer | null = null;
  private failedPolls = 0;

  constructor(
    private readonly runner: HttpRunner,
    private readonly order: Order,
    private readonly ended: (ending: Ending) => void,
  ) {
    const { callbacks } = runner;
    if (callbacks === null) {
      this.post(null);
      return;
    }
    callbacks
      .addressFor(order.attemptId)
      .then((address) => {
        this.post(address);
      })
      .catch((error: unknown) => {
        this.finish(failureOf('retry', 'not_started', { detail: String(error) }));
      });
  }

  stop(): void {
    this.finish(failureOf('unavailable', 'timeout'));
  }

  abort(): void {
    this.letGo();
  }

  /** The server works on; only we stand still. What is answered meanwhile is kept by the executor. */
  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
  }

  private post(callback: string | null): void {
    if (this.over) return;
    if (callback !== null) {
      this.stopExpecting =
        this.runner.callbacks?.expect(this.order.attemptId, (body) => {
          this.result(body);
        }) ?? null;
    }
    const { wire } = this.order;
    this.cancelCall = this.runner.calls.make(
      {
        url: this.runner.url,
        method: 'POST',
        headers: {
          ...this.headers(),
          'content-type': 'application/json',
          'idempotency-key': wire.task_id,
          'x-attempt-id': this.order.attemptId,
          ...(callback === null ? {} : { 'x-callback-url': callback }),
        },
        body: JSON.stringify(wire),
      },
      {
        answered: (answer) => {
          this.posted(answer);
        },
        failed: (reason, detail) => {
          this.noAnswer(reason, detail);
        },
      },
    );
  }

  private headers(): Record<string, string> {
    const { rules, secrets } = this.runner.options;
    const { key } = this.order;
    const sent = key === null ? null : secrets.ofKey(key);
    return {
      accept: 'application/json',
      ...rules.headers,
      ...secrets.headers,
      ...(key === null ? {} : { 'x-api-provider': key.provider, 'x-api-key-name': key.key }),
      ...(sent === null
        ? {}
        : { [sent.sendAs]: sent.sendAs.toLowerCase() === 'authorization' ? `Bearer ${sent.value}` : sent.value }),
    };
  }

  private posted(answer: Answer): void {
    if (answer.status === 200 || answer.status === 201) this.result(answer.body);
    else if (answer.status === 202) this.accepted(answer);
    else if (answer.status < 300) this.finish(failureOf('retry', 'no_output', { detail: `status ${answer.status}` }));
    else this.refused(answer, false);
  }

  private accepted(answer: Answer): void {
    const where = answer.headers.location ?? statusUrl(answer.body);
    if (where === null) {
      // Only a report can tell; without one, the timeout of the task ends it.
      if (this.stopExpecting !== null) return;
      const detail = 'neither Location nor status_url in the 202, and no callback is listened for';
      this.finish(failureOf('final', 'accepted_without_location', { detail }));
      return;
    }
    const url = URL.canParse(where, this.runner.url.href) ? new URL(where, this.runner.url) : null;
    if (url?.origin !== this.runner.url.origin) {
      // Keys are sent along: they go nowhere but where the config says.
      this.finish(failureOf('final', 'foreign_location', { detail: `the task is to be asked for at ${where}` }));
      return;
    }
    this.pollIn(url, answer);
  }

  private pollIn(url: URL, answer: Answer | null): void {
    const { clock, rules } = this.runner.options;
    const wished = retryAfterMs(answer?.headers['retry-after'], clock.now());
    this.timer = clock.after(wished > 0 ? wished : rules.pollMs, () => {
      if (this.frozen) this.pollIn(url, null);
      else this.poll(url);
    });
  }

  private poll(url: URL): void {
    this.cancelCall = this.runner.calls.make(
      { url, method: 'GET', headers: this.headers(), body: null },
      {
        answered: (answer) => {
          this.polled(url, answer);
        },
        failed: (reason, detail) => {
          this.failedPolls += 1;
          if (this.failedPolls >= MOST_FAILED_POLLS || reason === 'response_too_large') this.noAnswer(reason, detail);
          else this.pollIn(url, null);
        },
      },
    );
  }

  private polled(url: URL, answer: Answer): void {
    const { status } = answer;
    if (status === 200 || status === 201) this.result(answer.body);
    else if (status === 202) {
      this.failedPolls = 0;
      this.pollIn(url, answer);
    } else if ((status === 429 || status >= 500) && this.failedPolls + 1 < MOST_FAILED_POLLS) {
      // The task is in work; that nobody can be asked just now does not end it.
      this.failedPolls += 1;
      this.pollIn(url, answer);
    } else this.refused(answer, true);
  }

  private result(body: string): void {
    const said = readResult(body, 'result', this.order.wire.task_id);
    this.finish(endingOf(said, this.runner.options.secrets.all));
  }

  /** `polling`: a task that was accepted and is not known any more can be tried again, whatever the status says. */
  private refused({ status, headers, body }: Answer, polling: boolean): void {
    const { rules, clock, secrets } = this.runner.options;
    const kind = classOf(status, rules.statuses);
    this.finish(
      failureOf(polling && kind === 'final' ? 'retry' : kind, status === 429 ? 'rate_limited' : `http_${status}`, {
        detail: shortDetail(body, secrets.all),
        retryAfterMs: retryAfterMs(headers['retry-after'], clock.now()),
      }),
    );
  }

  private noAnswer(reason: NoAnswer, detail: string): void {
    const kind = reason === 'response_too_large' ? 'retry' : 'unavailable';
    this.finish(failureOf(kind, reason, { detail: shortDetail(detail, this.runner.options.secrets.all) }));
  }

  private finish(ending: Ending): void {
    if (this.over) return;
    this.letGo();
    this.ended(ending);
  }

  private letGo(): void {
    this.over = true;
    this.timer?.cancel();
    this.cancelCall?.();
    this.stopExpecting?.();
  }
}

function classOf(status: number, statuses: HttpRules['statuses']): FailureClass {
  const group = `${Math.floor(status / 100)}xx`;
  return statuses[String(status)] ?? statuses[group] ?? (status >= 500 ? 'unavailable' : 'final');
}

/** `status_url` of a JSON body. */
function statusUrl(body: string): string | null {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null || !('status_url' in json)) return null;
    return typeof json.status_url === 'string' ? json.status_url : null;
  } catch {
    return null;
  }
}
