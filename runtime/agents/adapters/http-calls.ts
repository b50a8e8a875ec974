import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../kernel/clock.js';
import type { HttpRules } from '../../spec/executor-rules.js';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Why there is no answer. */
export type NoAnswer = 'connection_refused' | 'connection_timeout' | 'connection_failed' | 'response_too_large';

export interface Call {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Told once, never synchronously; not at all after `cancel`. */
export interface CallHandlers {
  answered(answer: Answer): void;
  failed(reason: NoAnswer, detail: string): void;
}

/** Makes requests over a bounded pool of kept connections. Redirects are not followed: a key must not leave for elsewhere. */
export class HttpCalls {
  private readonly agents: { readonly http: http.Agent; readonly https: https.Agent };

  constructor(
    private readonly rules: Pick<HttpRules, 'connections' | 'connectTimeoutMs' | 'maxResponseBytes'>,
    private readonly clock: Clock,
  ) {
    const pool = { keepAlive: true, maxSockets: rules.connections, maxTotalSockets: rules.connections };
    this.agents = { http: new http.Agent(pool), https: new https.Agent(pool) };
  }

  /** Answers how to cancel it. */
  make({ url, method, headers, body }: Call, handlers: CallHandlers): () => void {
    let over = false;
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request(url, {
      method,
      headers: { ...headers, ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      agent: secure ? this.agents.https : this.agents.http,
    });
    const end = (tell: () => void): void => {
      if (over) return;
      over = true;
      tell();
      request.destroy();
    };
    const fail = (reason: NoAnswer, detail: string): void => {
      end(() => {
        handlers.failed(reason, detail);
      });
    };
    request.on('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'ECONNREFUSED' ? 'connection_refused' : 'connection_failed', error.message);
    });
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      const { connectTimeoutMs } = this.rules;
      const timer = this.clock.after(connectTimeoutMs, () => {
        fail('connection_timeout', `no connection within ${connectTimeoutMs} ms`);
      });
      const stop = (): void => {
        timer.cancel();
      };
      socket.once(secure ? 'secureConnect' : 'connect', stop);
      socket.once('close', stop);
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= this.rules.maxResponseBytes) chunks.push(chunk);
        else fail('response_too_large', `more than ${this.rules.maxResponseBytes} bytes`);
      });
      response.on('error', (error) => {
        fail('connection_failed', error.message);
      });
      response.on('end', () => {
        // Read to its end, the connection is kept for the next one: not destroyed.
        if (over) return;
        over = true;
        const { statusCode = 0, headers: answerHeaders } = response;
        handlers.answered({ status: statusCode, headers: answerHeaders, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body ?? undefined);
    return () => {
      end(() => undefined);
    };
  }

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}

/** Retry-After: seconds or a date; 0 = none, or nothing that can be understood. At most a day. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  const text = header?.trim() ?? '';
  if (text === '') return 0;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), 86_400_000);
}
