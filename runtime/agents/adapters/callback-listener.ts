import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRules } from '../../spec/executor-rules.js';

/** Where servers report results of tasks they have accepted. Only who knows the run's token is heard. */
export class CallbackListener {
  private readonly server: Server;
  private readonly expected = new Map<string, (body: string) => void>();
  private readonly listening: Promise<void>;
  private base = '';

  /**
   * @param token secret of the run; part of every callback address.
   * @param onError told when it cannot listen.
   */
  constructor(
    rules: NonNullable<HttpRules['callback']>,
    private readonly maxBytes: number,
    private readonly token: string,
    onError: (error: unknown) => void,
  ) {
    this.server = createServer((request, response) => {
      this.receive(request, response);
    });
    this.listening = new Promise((resolve) => {
      this.server.once('error', (error) => {
        onError(
          new Error(`executor.http.callback.listen: cannot listen on ${rules.host}:${rules.port}: ${error.message}`),
        );
      });
      this.server.listen(rules.port, rules.host, () => {
        const { port, family, address } = this.server.address() as AddressInfo;
        this.base = rules.url ?? `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
        resolve();
      });
    });
    // A listener nobody reports to does not keep the program alive.
    this.server.unref();
  }

  /** The address the result of an attempt is to be reported to, once it is listened on. */
  async addressFor(attemptId: string): Promise<string> {
    await this.listening;
    return `${this.base.replace(/\/$/, '')}/results/${this.token}/${encodeURIComponent(attemptId)}`;
  }

  /** Calls `reported` with the body at most once; answers how to stop listening for it. */
  expect(attemptId: string, reported: (body: string) => void): () => void {
    this.expected.set(attemptId, reported);
    return () => {
      if (this.expected.get(attemptId) === reported) this.expected.delete(attemptId);
    };
  }

  close(): Promise<void> {
    this.expected.clear();
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve();
      });
      this.server.closeAllConnections();
    });
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const [, token = '', attempt = ''] = /^\/results\/([^/]+)\/([^/?]+)$/.exec(pathOf(request)) ?? [];
    const reported = sameText(token, this.token) ? this.expected.get(decoded(attempt)) : undefined;
    // Whoever does not know the token is not told whether there is such a task.
    if (request.method !== 'POST' || reported === undefined) {
      refuse(request, response, 404);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= this.maxBytes) chunks.push(chunk);
      else refuse(request, response, 413);
    });
    request.on('end', () => {
      if (bytes > this.maxBytes || response.writableEnded) return;
      response.writeHead(204).end();
      // Twice the same report: the second finds nobody.
      if (this.expected.get(decoded(attempt)) !== reported) return;
      this.expected.delete(decoded(attempt));
      reported(Buffer.concat(chunks).toString('utf8'));
    });
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.headersSent) return;
  response.writeHead(status, { connection: 'close' }).end();
  request.resume();
}

function pathOf(request: IncomingMessage): string {
  return request.url?.replace(/^.*\/results\//, '/results/') ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
