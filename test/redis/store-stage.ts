import { setTimeout as sleep } from 'node:timers/promises';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import {
  openRedisStore,
  type RedisStore,
  type RedisStoreOptions,
} from '../../runtime/queue/adapters/redis/redis-store.js';
import type { Exchanged, LogCursor, LogEntry } from '../../runtime/queue/adapters/redis/store.js';
import { slotOfKey } from '../../runtime/queue/adapters/redis/key-slot.js';
import type { RedisCluster } from './harness/cluster.js';
import type { RedisServer } from './harness/server.js';

const RULES = {
  bound: 10_000,
  maxAttempts: 3,
  backoff: { firstMs: 1_000, factor: 2, maxMs: 10_000 },
  leaseMs: 3_000,
  beatMs: 1_000,
  massExpiryShare: 0.2,
  admission: null,
};

let stores = 0;

/** A store as a process of the run would open it. */
export function openStore(redis: string, run: string, more: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  stores += 1;
  return openRedisStore({
    redis,
    path: '--redis',
    cluster: 'auto',
    run,
    specHash: 'spec-1',
    partitions: 'auto',
    rules: (partitions) => ({ ...RULES, partitions }),
    clock: new RealClock(),
    name: `store-${stores}`,
    ...more,
  });
}

/** Sends submissions to one partition, one after the other, as a driver does. */
export class Submitter {
  private seq = 0;
  private sendings = 0;
  private index = 0;
  private heard = { epoch: 0, known: '' };

  constructor(
    private readonly store: RedisStore,
    readonly partition: number,
    private readonly driver: string,
  ) {}

  /** Index of the latest task. */
  get latest(): number {
    return this.index;
  }

  /** One sending of a new submission. */
  next(): Promise<Exchanged> {
    this.seq += 1;
    this.index = this.seq * this.store.partitions + this.partition;
    return this.again();
  }

  /** One more sending of the latest one. */
  again(waitForReplica = true): Promise<Exchanged> {
    this.sendings += 1;
    const nonce = `${this.driver}.${this.partition}.${this.seq}.${this.sendings}`;
    const request = { driver: this.driver, seq: this.seq, nonce, ...this.heard };
    const submit = [[this.index, [2, 0, '0', ''], '0', 1]] as const;
    return this.store.exchange(this.partition, { ...request, submit }, waitForReplica);
  }

  /** A new submission, sent until it is durable; the failures on the way go to `failed`. */
  async untilDurable(failed: (failure: unknown) => void = () => {}): Promise<Exchanged> {
    for (let sending = 0; ; sending += 1) {
      try {
        const got = await (sending === 0 ? this.next() : this.again());
        if (got.durable) {
          this.heard = { epoch: got.reply.epoch, known: got.owner };
          return got;
        }
        failed('not durable');
      } catch (error) {
        failed(error);
        if (String(error).includes('the store is closed')) throw error;
        // A refusal comes at once: without a turn of the event loop nothing else would ever run.
        await sleep(1);
      }
    }
  }

  async phaseOf(index: number): Promise<string | undefined> {
    this.seq += 1;
    this.sendings += 1;
    const nonce = `${this.driver}.${this.seq}.${this.sendings}`;
    const request = { driver: this.driver, seq: this.seq, nonce, ...this.heard, states: [index] };
    const { reply } = await this.store.exchange(this.partition, request, true);
    return reply.states[0];
  }
}

/** Who serves a partition of the store now. */
export function ownerOf(cluster: RedisCluster, store: RedisStore, partition: number): Promise<RedisServer> {
  return cluster.primaryOf(slotOfPartition(store, partition));
}

export const slotOfPartition = (store: RedisStore, partition: number): number =>
  slotOfKey(`{${store.header.tags[partition] ?? ''}}`);

/** The whole log of a partition from the cursor on. */
export async function logOf(store: RedisStore, partition: number, after: LogCursor, page = 3): Promise<LogEntry[]> {
  const all: LogEntry[] = [];
  let cursor = after;
  for (;;) {
    const entries = await store.readLog(partition, cursor, page);
    const last = entries.at(-1);
    if (last === undefined) return all;
    all.push(...entries);
    cursor = last;
  }
}

/** The message that a promise fails with. */
export async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it did not fail');
}
