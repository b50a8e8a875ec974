import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExperimentError } from '../kernel/errors.js';

/** Answers one request; what it throws becomes a 500. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A plain HTTP server of a role: exact paths, nothing else. Fastify would cost an agent more memory than it has. */
export class RoleHttpServer {
  private readonly routes = new Map<string, RequestHandler>();
  private readonly servers: Server[] = [];

  constructor(private readonly onError: (error: unknown) => void) {}

  /** @param route method and path: `GET /readyz`. */
  on(route: string, handler: RequestHandler): void {
    this.routes.set(route, handler);
  }

  /**
   * Listens; answers the port.
   *
   * @throws ExperimentError USAGE when it cannot: the port is taken, the address is not this machine's.
   */
  async listen(variable: string, host: string, port: number): Promise<number> {
    const server = createServer((request, response) => {
      this.answer(request, response).catch(this.onError);
    });
    // Probes come every few seconds: a connection kept open is cheaper than a new one each time.
    server.keepAliveTimeout = 15_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const problem = { path: variable, value: `${host}:${port}`, message: error.message };
        reject(new ExperimentError('USAGE', 'This role cannot listen', [problem], { cause: error }));
      });
      server.listen(port, host, resolve);
    });
    server.on('error', this.onError);
    this.servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Stops listening and drops open connections. */
  close(): void {
    for (const server of this.servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    const handler = this.routes.get(`${request.method ?? ''} ${path}`);
    if (handler === undefined) {
      const known = [...this.routes.keys()].some((route) => route.endsWith(` ${path}`));
      say(response, known ? 405 : 404, known ? 'not with this method' : 'no such path');
      return;
    }
    try {
      await handler(request, response);
    } catch (error) {
      this.onError(error);
      if (response.headersSent) response.destroy();
      else say(response, 500, 'this went wrong; the log tells why');
    }
  }
}

/** Answers with one line of text. */
export function say(response: ServerResponse, status: number, text: string): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
