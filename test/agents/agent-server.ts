import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the server saw it. */
export interface Seen {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly task: {
    readonly task_id: string;
    readonly metadata: { readonly index: number; readonly attempt: number };
  } | null;
}

export type Answering = (seen: Seen, response: ServerResponse) => void;

/** A local server of agents for tests: notes every request and answers as it is told to. */
export class AgentServer {
  readonly seen: Seen[] = [];
  private constructor(private readonly server: Server) {}

  static async start(answer: Answering): Promise<AgentServer> {
    const server = createServer();
    const started = new AgentServer(server);
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      const at = performance.now();
      let body = '';
      incoming.on('data', (chunk: Buffer) => {
        body += chunk.toString('utf8');
      });
      incoming.on('end', () => {
        const task = body === '' ? null : (JSON.parse(body) as Seen['task']);
        const { method = '', url: path = '', headers } = incoming;
        const seen = { at, method, path, headers, task };
        started.seen.push(seen);
        answer(seen, response);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve());
    });
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/tasks`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function success({ task }: Seen, metrics?: Record<string, number>) {
  return { task_id: task?.task_id, status: 'success', duration_ms: 5, output: {}, error: null, metrics };
}

/** Posts and answers with the status. */
export function post(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
