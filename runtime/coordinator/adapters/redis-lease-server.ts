import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { confirmedWrite } from './confirmed-write.js';
import type { HeldLease, LeaseAnswer, LeaseHolder, LeaseServer } from './redis-lease.js';

/**
 * What every script begins with: the server's time (ms), whose history of writes it is (another one after a promotion),
 * how many replicas follow it, and what the lease's hash holds.
 */
const LOOK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local info = redis.call('INFO', 'replication')
local history = string.match(info, 'master_replid:(%x+)')
local replicas = 0
for line in string.gmatch(info, 'slave%d+:([^\\r\\n]*)') do
  local lag = tonumber(string.match(line, 'lag=(%-?%d+)'))
  if string.find(line, 'state=online', 1, true) and lag and lag >= 0 and lag <= 10 then replicas = replicas + 1 end
end
local held = redis.call('HMGET', KEYS[1], 'replica', 'incarnation', 'term', 'until', 'ttl', 'history')
local mine = held[1] == ARGV[1] and held[2] == ARGV[2]
`;

/**
 * A promotion grants the holder one full lease: the new primary's clock need not be the old one's. The term never falls,
 * also when all was lost: it is at least the time.
 */
const ACQUIRE = `${LOOK}
local ttl = tonumber(ARGV[3])
if held[1] and not mine then
  local promoted = held[6] ~= history
  if promoted then redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + held[5]), 'history', history) end
  if promoted or tonumber(held[4]) > now then return {0, tonumber(held[3]), replicas} end
end
local term = tonumber(held[3] or '0')
if not mine then term = math.max(term + 1, now) end
redis.call('HSET', KEYS[1], 'replica', ARGV[1], 'incarnation', ARGV[2], 'term', string.format('%.0f', term),
  'until', string.format('%.0f', now + ttl), 'ttl', ARGV[3], 'history', history)
return {1, term, replicas}
`;

const HOLDER = `${LOOK}
if not held[1] then return false end
local remaining = tonumber(held[4]) - now
if held[6] ~= history or remaining > tonumber(held[5]) then remaining = tonumber(held[5]) end
if remaining <= 0 then return false end
return {held[1], string.format('%.0f', remaining)}
`;

/** The term stays: the next one is above it. */
const RELEASE = `
local held = redis.call('HMGET', KEYS[1], 'replica', 'incarnation')
if held[1] == ARGV[1] and held[2] == ARGV[2] then redis.call('HDEL', KEYS[1], 'replica', 'incarnation') end
return 1
`;

const acquired = z.tuple([z.literal([0, 1]), z.int(), z.int()]);
const holding = z.tuple([z.string(), z.coerce.number()]).nullable();

/**
 * The lease's key on a Redis server or cluster.
 *
 * @param redis a connection of its own: waiting for a replica holds up whatever comes behind it.
 * @param key on a cluster, its slot decides which primary keeps it.
 */
export class RedisLeaseServer implements LeaseServer {
  constructor(
    private readonly redis: Redis | Cluster,
    private readonly key: string,
  ) {}

  async acquire(holder: LeaseHolder, ttlMs: number, waitMs: number): Promise<LeaseAnswer> {
    const { replica, incarnation } = holder;
    const args = [replica, incarnation, Math.ceil(ttlMs)];
    const written = await confirmedWrite(this.redis, { script: ACQUIRE, keys: [this.key], args }, Math.ceil(waitMs));
    const [granted, term, replicas] = acquired.parse(written.answer);
    return { granted: granted === 1, term, replicas, confirmed: written.confirmed };
  }

  async holder(): Promise<HeldLease | null> {
    const held = holding.parse(await this.redis.eval(HOLDER, 1, this.key, '', ''));
    return held === null ? null : { replica: held[0], remainingMs: held[1] };
  }

  async release({ replica, incarnation }: LeaseHolder): Promise<void> {
    await this.redis.eval(RELEASE, 1, this.key, replica, incarnation);
  }
}
