import { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';

/** One of toxiproxy's proxies, as far as it is looked at. */
const proxy = z.object({
  name: z.string(),
  listen: z.string(),
  upstream: z.string(),
  enabled: z.boolean(),
  toxics: z.array(z.object({ name: z.string(), attributes: z.record(z.string(), z.unknown()) })),
});
export type ToxiproxyProxy = z.infer<typeof proxy>;

/** Something wrong that a proxy does to the bytes of one direction. */
export interface Toxic {
  readonly name: string;
  readonly type: 'latency' | 'timeout';
  /** `upstream`: from the client to the server. */
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

/** An answer that takes longer is none, ms. */
const ANSWER_MS = 5_000;

/** The HTTP API of a toxiproxy (2.x). Every call rejects with what it answers when it refuses, or when it is not there. */
export class ToxiproxyClient {
  /** @param url where its API listens: `http://127.0.0.1:8474` */
  constructor(
    readonly url: string,
    private readonly clock: Clock,
  ) {}

  /** Its version. */
  async version(): Promise<string> {
    const text = await this.ask('GET', '/version');
    // 2.5 answers with text, later ones with JSON.
    return /\d+\.\d+\.\d+[^"\s]*/.exec(text)?.[0] ?? text.trim();
  }

  async proxies(): Promise<ToxiproxyProxy[]> {
    return Object.values(z.record(z.string(), proxy).parse(JSON.parse(await this.ask('GET', '/proxies'))));
  }

  /** @param listen `host:port`; port 0 = any free one, which the answer names. */
  async create(name: string, listen: string, upstream: string): Promise<ToxiproxyProxy> {
    const body = { name, listen, upstream, enabled: true };
    return proxy.parse(JSON.parse(await this.ask('POST', '/proxies', body)));
  }

  /** Its connections are closed. No error when there is none of the name. */
  async remove(name: string): Promise<void> {
    await this.ask('DELETE', `/proxies/${encodeURIComponent(name)}`, undefined, [404]);
  }

  async addToxic(proxyName: string, toxic: Toxic): Promise<void> {
    await this.ask('POST', `/proxies/${encodeURIComponent(proxyName)}/toxics`, toxic);
  }

  /** No error when there is none of the name. */
  async removeToxic(proxyName: string, name: string): Promise<void> {
    const path = `/proxies/${encodeURIComponent(proxyName)}/toxics/${encodeURIComponent(name)}`;
    await this.ask('DELETE', path, undefined, [404]);
  }

  private async ask(method: string, path: string, body?: object, fine: readonly number[] = []): Promise<string> {
    const patience = new AbortController();
    const late = this.clock.after(ANSWER_MS, () => {
      patience.abort(new Error(`toxiproxy has not answered ${method} ${path} within ${ANSWER_MS} ms`));
    });
    const { answer, text } = await this.send(method, path, body, patience.signal).finally(() => {
      late.cancel();
    });
    if (answer.ok || fine.includes(answer.status)) return text;
    throw new Error(`toxiproxy answers ${method} ${path} with ${answer.status}: ${text.trim().slice(0, 200)}`);
  }

  private async send(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Response; readonly text: string }> {
    const answer = await fetch(this.url.replace(/\/$/, '') + path, {
      ...{ method, signal },
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { answer, text: await answer.text() };
  }
}
