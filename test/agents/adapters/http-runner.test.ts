import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { retryAfterMs } from '../../../runtime/agents/adapters/http-calls.js';
import { HttpRunner } from '../../../runtime/agents/adapters/http-runner.js';
import { Secrets } from '../../../runtime/agents/adapters/secrets.js';
import type { ApiKeyName, Ending, Running } from '../../../runtime/agents/port.js';
import { TaskWriter } from '../../../runtime/agents/wire-task.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import type { ExecutorRules, HttpRules } from '../../../runtime/spec/executor-rules.js';
import { experiment } from '../../support/experiment.js';
import { AgentServer, json, post, success, type Answering } from '../agent-server.js';
import { agentRules, httpRules, leaseOf, providerRules } from '../real-agents.js';

const clock = new RealClock();
const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(answer: Answering): Promise<AgentServer> {
  const server = await AgentServer.start(answer);
  closing.push(() => server.close());
  return server;
}

function runnerFor(url: string, changes: Partial<HttpRules> = {}, sendAs: string | null = null): HttpRunner {
  const rules = httpRules(url, changes);
  const providers = [
    providerRules('acme', { sendAs, keys: [{ name: 'main', env: 'ACME_1', ratePerMin: 60, burst: 1 }] }),
  ];
  const executor: ExecutorRules = { type: 'http', ...agentRules({ providers }), http: rules };
  const secrets = new Secrets(executor, { ACME_1: 'key-of-acme', POOL_TOKEN: 'token-of-pool' });
  const runner = new HttpRunner({
    rules,
    clock,
    secrets,
    token: 'run-token',
    onError: (error) => errors.push(error),
  });
  closing.push(() => runner.close());
  return runner;
}

const errors: unknown[] = [];

interface Ran {
  readonly running: Running;
  readonly ended: Promise<Ending>;
}

function start(runner: HttpRunner, index = 3, attempt = 1, key: ApiKeyName | null = null): Ran {
  const lease = leaseOf(index, attempt);
  const order = {
    ...new TaskWriter(experiment(), agentRules()).write(lease),
    attemptId: lease.attemptId,
    agentId: 'a',
    key,
  };
  const end = clock.deferred<Ending>();
  let endings = 0;
  const running = runner.start(order, (ending) => {
    endings += 1;
    if (endings > 1) throw new Error('ended twice');
    end.resolve(ending);
  });
  return { running, ended: end.promise };
}

/** The ending of one attempt at a server that answers like this. */
async function endingAt(answer: Answering, changes: Partial<HttpRules> = {}): Promise<Ending> {
  const server = await serve(answer);
  return start(runnerFor(server.url, changes)).ended;
}

describe('HTTP runner', () => {
  it('posts the task with the key’s name and takes the result from the answer', async () => {
    const server = await serve((seen, response) =>
      json(response, 200, success(seen, { input_tokens: 10, output_tokens: 2 })),
    );
    const runner = runnerFor(
      server.url,
      { headers: { 'X-Team': 'blue' }, secretHeaders: { 'X-Pool': 'POOL_TOKEN' } },
      'Authorization',
    );
    const ending = await start(runner, 3, 1, { provider: 'acme', key: 'main' }).ended;
    expect(ending).toMatchObject({ status: 'success', usage: { inputTokens: 10, outputTokens: 2, usd: null } });
    const [seen] = server.seen;
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/tasks',
      task: { agent_type: 'codegen', metadata: { index: 3 } },
    });
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-team': 'blue',
      'x-pool': 'token-of-pool',
      'x-api-provider': 'acme',
      'x-api-key-name': 'main',
      authorization: 'Bearer key-of-acme',
      'idempotency-key': seen?.task?.task_id,
    });
  });

  it('sends the same idempotency key with every attempt, over kept connections', async () => {
    const ports = new Set<number | undefined>();
    const server = await serve((seen, response) => {
      ports.add(response.socket?.remotePort);
      json(response, 200, success(seen));
    });
    const runner = runnerFor(server.url);
    for (const attempt of [1, 2]) await start(runner, 3, attempt).ended;
    await start(runner, 4).ended;
    const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
    expect(server.seen.map(({ headers }) => headers['x-attempt-id'])).toEqual(['x3.1', 'x3.2', 'x4.1']);
    expect(ports.size).toBe(1);
  });

  it('opens no more connections than it may', async () => {
    let open = 0;
    let most = 0;
    const server = await serve((seen, response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        json(response, 200, success(seen));
      }, 20);
    });
    const runner = runnerFor(server.url, { connections: 3 });
    const endings = await Promise.all(Array.from({ length: 12 }, (_, index) => start(runner, index).ended));
    expect(endings.every(({ status }) => status === 'success')).toBe(true);
    expect(most).toBe(3);
  });

  it.each<[string, number, Record<string, string>, Partial<Ending>]>([
    [
      '429',
      429,
      { 'retry-after': '7' },
      { error: 'rate_limited', retryAfterMs: 7_000, verdict: 'limited', final: false },
    ],
    ['503', 503, { 'retry-after': '2' }, { error: 'http_503', retryAfterMs: 2_000, verdict: 'failed', final: false }],
    ['500', 500, {}, { error: 'http_500', retryAfterMs: 0, verdict: 'failed', final: false }],
    ['400', 400, {}, { error: 'http_400', verdict: 'ok', final: true }],
    ['409, which is to be tried again', 409, {}, { error: 'http_409', verdict: 'ok', final: false }],
    ['a redirect', 302, { location: 'http://127.0.0.1:1/' }, { error: 'http_302', final: true }],
    ['204', 204, {}, { error: 'no_output', final: false }],
  ])('maps %s', async (_name, status, headers, expected) => {
    const statuses = { '409': 'retry', '429': 'rate_limited', '4xx': 'final', '5xx': 'unavailable' } as const;
    const ending = await endingAt((_, response) => response.writeHead(status, headers).end('why: token=abcdefgh'), {
      statuses,
    });
    expect(ending).toMatchObject({ status: 'failed', ...expected });
    expect(ending.detail).not.toContain('abcdefgh');
  });

  it.each<[string, Answering, string]>([
    ['garbage', (_, response) => response.end('<html>'), 'garbage_output'],
    ['the wrong shape', (_, response) => json(response, 200, { ok: true }), 'garbage_output'],
    ['nothing', (_, response) => response.end(), 'no_output'],
    [
      'another task’s result',
      (_, response) => json(response, 200, { task_id: 'x', status: 'success' }),
      'foreign_result',
    ],
    ['too much', (_, response) => response.end('x'.repeat(20_000)), 'response_too_large'],
    [
      'half an answer',
      (_, response) => response.writeHead(200, { 'content-length': '50' }).write('{') && response.destroy(),
      'connection_failed',
    ],
    ['a cut connection', (_, response) => response.destroy(), 'connection_failed'],
    [
      'a failure of its own',
      (seen, response) => json(response, 200, { ...success(seen), status: 'failed', error: 'Not today' }),
      'agent:not_today',
    ],
  ])('fails an attempt that is answered with %s', async (_name, answer, error) => {
    expect(await endingAt(answer)).toMatchObject({ status: 'failed', error, final: false });
  });

  it('fails an attempt at a port nobody listens on', async () => {
    const server = await serve(() => undefined);
    const { url } = server;
    await server.close();
    expect(await start(runnerFor(url)).ended).toMatchObject({ error: 'connection_refused', verdict: 'failed' });
  });

  it('fails an attempt that gets no connection in time', async () => {
    const full = await silentServer();
    closing.push(full.close);
    const ending = await start(runnerFor(`https://127.0.0.1:${full.port}/tasks`, { connectTimeoutMs: 100 })).ended;
    expect(ending).toMatchObject({ error: 'connection_timeout', verdict: 'failed' });
  });

  it('lets go of a server that never answers when it is stopped, and tells nobody at an abort', async () => {
    const server = await serve(() => undefined);
    const runner = runnerFor(server.url);
    const [stopped, aborted] = [start(runner, 1), start(runner, 2)];
    while (server.seen.length < 2) await clock.sleep(5);
    stopped.running.stop();
    expect(await stopped.ended).toMatchObject({ status: 'failed', error: 'timeout' });
    aborted.running.abort();
    expect(await Promise.race([aborted.ended, clock.sleep(50)])).toBeUndefined();
  });

  it.each([
    ['Location', {}, { location: '/tasks/9/status' }],
    ['status_url', { status_url: 'status' }, {}],
  ])('asks about an accepted task where %s says, until there is a result', async (_name, body, headers) => {
    let polls = 0;
    const server = await serve((seen, response) => {
      if (seen.method === 'POST') json(response, 202, body, headers);
      else if ((polls += 1) < 3) json(response, 202, {});
      else if (polls === 3) response.writeHead(500).end();
      else json(response, 200, success(server.seen[0]!));
    });
    expect(await start(runnerFor(server.url)).ended).toMatchObject({ status: 'success' });
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET', 'GET']);
  });

  it('gives up a task nobody can be asked about', async () => {
    const server = await serve((seen, response) => {
      if (seen.method === 'POST') json(response, 202, {}, { location: '/tasks/9' });
      else response.writeHead(502).end();
    });
    expect(await start(runnerFor(server.url)).ended).toMatchObject({ error: 'http_502', final: false });
    expect(server.seen).toHaveLength(6);
  });

  it('tries a task again that was accepted and is not known any more', async () => {
    const ending = await endingAt((seen, response) => {
      if (seen.method === 'POST') json(response, 202, {}, { location: '/tasks/9' });
      else response.writeHead(404).end();
    });
    expect(ending).toMatchObject({ error: 'http_404', final: false });
  });

  it('takes no key to another server', async () => {
    const ending = await endingAt((_, response) => json(response, 202, {}, { location: 'http://127.0.0.2:9/x' }));
    expect(ending).toMatchObject({ error: 'foreign_location', final: true });
  });

  it('says that an accepted task without an address cannot be followed', async () => {
    expect(await endingAt((_, response) => json(response, 202, {}))).toMatchObject({
      error: 'accepted_without_location',
      final: true,
    });
  });

  it('takes a reported result, from who knows the token only, and once', async () => {
    const statuses: number[] = [];
    const server = await serve((seen, response) => {
      json(response, 202, {});
      const address = String(seen.headers['x-callback-url']);
      const report = async (): Promise<void> => {
        statuses.push(await post(address.replace('run-token', 'bad-token'), JSON.stringify(success(seen))));
        statuses.push(await post(`${address}0`, JSON.stringify(success(seen))));
        statuses.push(await post(address, 'x'.repeat(20_000)).catch(() => 413));
        statuses.push(await post(address, JSON.stringify(success(seen))));
        statuses.push(await post(address, JSON.stringify(success(seen))));
      };
      report().catch((error: unknown) => errors.push(error));
    });
    const runner = runnerFor(server.url, { callback: { host: '127.0.0.1', port: 0, url: null } });
    expect(await start(runner).ended).toMatchObject({ status: 'success' });
    while (statuses.length < 5) await clock.sleep(5);
    expect(statuses).toEqual([404, 404, 413, 204, 404]);
    expect(errors).toEqual([]);
  });

  it('reads Retry-After as seconds and as a date', () => {
    const now = Date.parse('2026-01-05T00:00:00Z');
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Mon, 05 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    for (const nothing of [undefined, '', 'soon', 'Mon, 05 Jan 2015 00:00:30 GMT'])
      expect(retryAfterMs(nothing, now)).toBe(0);
    expect(retryAfterMs('99999999999', now)).toBe(86_400_000);
  });
});

/** Takes connections and never says a word: a TLS handshake with it never ends. */
async function silentServer(): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
