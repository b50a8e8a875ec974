import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Address } from './toxiproxy-links.js';

/** How the nodes of a Redis are reached, each directly. */
export interface RedisAccess {
  /** One for a single server, some of its nodes for a cluster. */
  readonly nodes: readonly Address[];
  readonly cluster: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: boolean;
}

/** A part of the slots, and who serves it. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly primary: Address;
  readonly replicas: readonly Address[];
}

/** A node that takes longer to be connected to, or to answer, counts as one that is not there, ms. */
const ANSWER_MS = 1_000;

const node = z.tuple([z.string(), z.int()]).rest(z.unknown());
const slots = z.array(z.tuple([z.int(), z.int(), node]).rest(node));

/** Asks one node and lets go of it; rejects when it does not answer. */
export async function askNode<T>(
  access: RedisAccess,
  { host, port }: Address,
  question: (redis: Redis) => Promise<T>,
  limitMs = ANSWER_MS,
): Promise<T> {
  const redis = new Redis({
    ...{ host, port, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false },
    ...{ connectTimeout: limitMs, commandTimeout: limitMs, socketTimeout: limitMs },
    ...(access.username === null ? {} : { username: access.username }),
    ...(access.password === null ? {} : { password: access.password }),
    ...(access.tls ? { tls: {} } : {}),
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    // Of one that has ended by itself nothing is left but the timer this would start.
    if (redis.status !== 'end') redis.disconnect();
  }
}

/**
 * Who serves which slots, as the first node says that answers; a single server serves all.
 *
 * @param others asked after the start nodes: those known from an earlier look.
 * @throws what the last one said when none answers.
 */
export async function slotRanges(access: RedisAccess, others: readonly Address[] = []): Promise<SlotRange[]> {
  const [first] = access.nodes;
  if (!access.cluster && first !== undefined) return [{ from: 0, to: 16_383, primary: first, replicas: [] }];
  let failure: unknown = new Error('no node of the cluster is known');
  for (const address of [...access.nodes, ...others]) {
    try {
      const told = slots.parse(await askNode(access, address, (redis) => redis.cluster('SLOTS')));
      return told.map(([from, to, primary, ...replicas]) => ({
        ...{ from, to, primary: addressOf(primary, address) },
        replicas: replicas.map((replica) => addressOf(replica, address)),
      }));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** All nodes of the ranges, each once. */
export function nodesOf(ranges: readonly SlotRange[]): Address[] {
  const all = ranges.flatMap(({ primary, replicas }) => [primary, ...replicas]);
  return [...new Map(all.map((address) => [nameOf(address), address])).values()];
}

/** `host:port` */
export function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** A node that does not know its own address gives none: then it is the one that was asked. */
function addressOf([host, port]: z.infer<typeof node>, asked: Address): Address {
  return { host: host === '' ? asked.host : host, port };
}
