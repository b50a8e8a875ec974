import { z } from 'zod';
import { SLOTS } from './key-slot.js';
import type { RedisAddress } from './redis-endpoint.js';

/** A node of a cluster; its id stays when its address changes. */
export interface RedisNode {
  readonly id: string;
  readonly address: RedisAddress;
}

/** Slots `from` to `to`, both included, and who has them. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly primary: RedisNode;
  /** Those that have data and that the asked node does not take for failed. */
  readonly replicas: readonly RedisNode[];
}

const nodeReply = z.tuple([z.string().nullable(), z.int(), z.string()]).rest(z.unknown());
const slotsReply = z.array(z.tuple([z.int(), z.int(), nodeReply]).rest(nodeReply));

/**
 * Reads an answer to CLUSTER SLOTS.
 *
 * @param asked the node that gave it: `?` and nothing stand for its own host.
 * @throws ZodError when it is no such answer.
 */
export function parseClusterSlots(reply: unknown, asked: RedisAddress): readonly SlotRange[] {
  const nodeOf = ([host, port, id]: z.infer<typeof nodeReply>): RedisNode => ({
    id,
    address: { host: host === null || host === '' || host === '?' ? asked.host : host, port },
  });
  return slotsReply.parse(reply).map(([from, to, primary, ...replicas]) => ({
    from,
    to,
    primary: nodeOf(primary),
    replicas: replicas.map(nodeOf),
  }));
}

/** The range that holds a slot; null when nobody has the slot. */
export function rangeOf(ranges: readonly SlotRange[], slot: number): SlotRange | null {
  return ranges.find(({ from, to }) => from <= slot && slot <= to) ?? null;
}

/** Each primary once. */
export function primariesOf(ranges: readonly SlotRange[]): readonly RedisNode[] {
  return [...new Map(ranges.map(({ primary }) => [primary.id, primary])).values()];
}

/** Ranges of slots that nobody has. */
export function slotGaps(ranges: readonly SlotRange[]): ReadonlyArray<readonly [from: number, to: number]> {
  const gaps: Array<[number, number]> = [];
  let next = 0;
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    if (from > next) gaps.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next < SLOTS) gaps.push([next, SLOTS - 1]);
  return gaps;
}
