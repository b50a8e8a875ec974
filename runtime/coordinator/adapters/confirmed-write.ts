import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';

/** A script that writes, and what it is given; on a cluster all its keys are of one slot. */
export interface WritingScript {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: ReadonlyArray<string | number>;
}

/**
 * Runs a script and waits for a replica to have what it wrote: in one pipeline, since WAIT speaks of the writes of its
 * own connection. Tried again where the key has moved to another node of a cluster.
 *
 * @param waitMs how long to wait for a replica; 0 = not at all.
 * @returns what the script answered, and how many replicas have it.
 */
export async function confirmedWrite(
  redis: Redis | Cluster,
  writing: WritingScript,
  waitMs: number,
): Promise<{ answer: unknown; confirmed: number }> {
  const results = await send(redis, writing, waitMs).catch(async (error: unknown) => {
    // A pipeline that writes is not sent on by itself.
    if (!(await moved(redis, error))) throw error;
    return send(redis, writing, waitMs);
  });
  return { answer: results[0], confirmed: waitMs > 0 ? z.int().parse(results[1]) : 0 };
}

async function send(
  redis: Redis | Cluster,
  { script, keys, args }: WritingScript,
  waitMs: number,
): Promise<readonly unknown[]> {
  const pipeline = redis.pipeline();
  pipeline.eval(script, keys.length, ...keys, ...args);
  if (waitMs > 0) pipeline.call('WAIT', 1, waitMs);
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

/** Whether another node has the key; who has which is known when this resolves. */
function moved(redis: Redis | Cluster, error: unknown): Promise<boolean> {
  if (!('refreshSlotsCache' in redis && error instanceof Error && error.message.startsWith('MOVED '))) {
    return Promise.resolve(false);
  }
  return new Promise((resolve, reject) => {
    redis.refreshSlotsCache((failed) => {
      if (failed) reject(failed);
      else resolve(true);
    });
  });
}
