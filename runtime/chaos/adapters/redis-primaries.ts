import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { ExperimentError } from '../../kernel/errors.js';
import type { StorePrimary, StoreView } from '../port.js';
import { askNode, nameOf, nodesOf, slotRanges, type RedisAccess, type SlotRange } from './redis-nodes.js';
import type { Address } from './toxiproxy-links.js';

/** The process of each node, `host:port` as the node calls itself: its number, or the file that holds it. */
export type RedisProcesses = Readonly<Record<string, number | string>>;

const SLOTS = 16_384;

/**
 * Reads REDIS_PROCESSES: which processes may be killed by redis_primary_kill.
 *
 * @throws ExperimentError USAGE when it is not what it should be.
 */
export function parseRedisProcesses(text: string): RedisProcesses {
  const schema = z.record(z.string().regex(/:\d+$/), z.union([z.int().positive(), z.string().min(1)]));
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const problem = {
      path: 'REDIS_PROCESSES',
      value: text.slice(0, 100),
      message: 'must be JSON: {"HOST:PORT": PROCESS-ID or "PID-FILE", …}',
      hint: 'one entry for each node of the Redis, named as it calls itself',
    };
    throw new ExperimentError('USAGE', 'The processes of Redis are not named right', [problem], { cause });
  }
}

/** A Redis on this machine whose primaries may be killed: somebody else has started it, and starts it again. */
export class RedisPrimaries {
  /** Nodes of the latest look: the start nodes may be the ones that are gone. */
  private known: Address[] = [];

  constructor(
    private readonly access: RedisAccess,
    private readonly processes: RedisProcesses,
  ) {}

  /** Rejects when no node answers. */
  async store(): Promise<StoreView> {
    const ranges = await slotRanges(this.access, this.known);
    this.known = nodesOf(ranges);
    const names = [...new Set(ranges.map(({ primary }) => nameOf(primary)))];
    const asked = await Promise.all(names.map((name) => this.look(ranges, name)));
    const primaries = asked.flatMap((primary) => primary ?? []);
    const served = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    return { primaries, whole: served === SLOTS && primaries.length === names.length };
  }

  /**
   * Kills the process of a node.
   *
   * @throws Error when it is not known which that is, or when the node says that it is another one.
   */
  async killStore(name: string): Promise<void> {
    const pid = this.processOf(name);
    const ranges = await slotRanges(this.access, this.known);
    const own = await askNode(this.access, addressIn(ranges, name), async (redis) => fieldOf(redis, 'process_id'));
    // Numbers are used again: what is killed must be the node itself.
    if (Number(own) !== pid) throw new Error(`the node ${name} is process ${own}, not ${pid} as REDIS_PROCESSES says`);
    process.kill(pid, 'SIGKILL');
  }

  /** Null = it does not answer, or is none that serves its slots. */
  private async look(ranges: readonly SlotRange[], name: string): Promise<StorePrimary | null> {
    const { access } = this;
    try {
      return await askNode(access, addressIn(ranges, name), async (redis) => {
        const [role, id] = [await fieldOf(redis, 'role', 'replication'), await fieldOf(redis, 'run_id')];
        const loading = await fieldOf(redis, 'loading', 'persistence');
        const state = access.cluster ? stateOf(await redis.cluster('INFO')) : 'ok';
        if (role !== 'master' || loading !== '0' || state !== 'ok') return null;
        return { name, incarnation: parseInt(id.slice(0, 8), 16) };
      });
    } catch {
      return null;
    }
  }

  private processOf(name: string): number {
    const told = this.processes[name];
    if (told === undefined) throw new Error(`REDIS_PROCESSES does not name the process of ${name}`);
    const pid = typeof told === 'number' ? told : Number(readFileSync(told, 'utf8').trim());
    if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`${String(told)} holds no process id for ${name}`);
    return pid;
  }
}

function addressIn(ranges: readonly SlotRange[], name: string): Address {
  const found = nodesOf(ranges).find((address) => nameOf(address) === name);
  if (found === undefined) throw new Error(`there is no node ${name}`);
  return found;
}

async function fieldOf(redis: Redis, field: string, section = 'server'): Promise<string> {
  const text = await redis.info(section);
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
}

function stateOf(text: string): string {
  return /^cluster_state:(\w+)/m.exec(text)?.[1] ?? '';
}
