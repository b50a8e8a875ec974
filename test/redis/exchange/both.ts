import { isDeepStrictEqual } from 'node:util';
import {
  decodeReply,
  encodeRequest,
  exchangeScript,
  leasesOf,
  partitionKeys,
} from '../../../runtime/queue/adapters/redis/exchange.js';
import type { ExchangeReply, ExchangeRequest } from '../../../runtime/queue/adapters/redis/messages.js';
import { Partition } from '../../../runtime/queue/adapters/redis/partition.js';
import type { PartitionRules } from '../../../runtime/queue/adapters/redis/partition-rules.js';
import type { RedisServer } from '../harness/server.js';

/** Where a partition of the test lies. */
export const KEYS = partitionKeys('test', 'p0');

/** The partition as a value and the script in a Redis, given the same requests at the same times. */
export class Both {
  private readonly model: Partition;
  private readonly script: string;
  private readonly told: string[] = [];

  constructor(
    private readonly server: RedisServer,
    private readonly rules: PartitionRules,
  ) {
    this.model = new Partition(rules);
    this.script = exchangeScript(rules);
  }

  /** @throws Error with all requests so far when the answers differ. */
  async exchange(request: ExchangeRequest, nowMs: number): Promise<ExchangeReply> {
    const text = encodeRequest(request);
    this.told.push(`at ${nowMs} ${JSON.stringify(request)}`);
    const expected = this.model.exchange(request, nowMs);
    let got: ExchangeReply;
    try {
      got = decodeReply(await this.server.call('EVAL', this.script, 1, KEYS.prefix, text, nowMs), request.driver);
    } catch (error) {
      throw new Error(`the script fails: ${String(error)}\n${this.story()}`, { cause: error });
    }
    this.compare('answer', withLeasesRead(expected), withLeasesRead(got));
    return got;
  }

  /** Compares what the logs hold. @returns the events. */
  async compareLogs(): Promise<ReadonlyArray<readonly string[]>> {
    const logs: Array<{ readonly epoch: number; readonly events: readonly string[][] }> = [];
    const last = this.model.log.reduce((most, { epoch }) => Math.max(most, epoch), 0);
    for (let epoch = 1; epoch <= last; epoch++) {
      const entries = (await this.server.call('XRANGE', KEYS.log(epoch), '-', '+')) as Array<[string, string[]]>;
      for (const [position, [, fields]] of entries.entries()) {
        const [e, text = '', n, number] = fields;
        this.compare('fields of a log entry', ['e', 'n', String(position + 1)], [e, n, number]);
        logs.push({ epoch, events: JSON.parse(text) as string[][] });
      }
    }
    this.compare('log', this.model.log, logs);
    return logs.flatMap(({ events }) => events);
  }

  private compare(what: string, expected: unknown, got: unknown): void {
    if (isDeepStrictEqual(expected, got)) return;
    throw new Error(
      `the ${what} differs\n${differences(expected, got).join('\n')}\nrules ${JSON.stringify(this.rules)}\n${this.story()}`,
    );
  }

  private story(): string {
    return this.told.join('\n');
  }
}

/** JSON says the same thing in several ways. */
const withLeasesRead = (reply: ExchangeReply) => ({
  ...reply,
  pushes: reply.pushes.map(([driver, text]) => [driver, leasesOf(JSON.parse(text))]),
});

/** What differs, by path. */
function differences(expected: unknown, got: unknown, path = ''): string[] {
  if (isDeepStrictEqual(expected, got)) return [];
  if (typeof expected === 'object' && typeof got === 'object' && expected !== null && got !== null) {
    const [left, right] = [expected, got] as ReadonlyArray<Readonly<Record<string, unknown>>>;
    const names = [...new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])];
    return names.flatMap((name) => differences(left?.[name], right?.[name], `${path}.${name}`));
  }
  return [`${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`];
}
