import { z } from 'zod';
import { count, duration, percent, share } from './quantities.js';

const interval = duration('Repeat it this often, the first time after one interval. Give either interval or time.', {
  min: 1_000,
})
  .nullable()
  .prefault(null);

const time = z
  .union([duration('From the start of the run.'), z.array(duration('From the start of the run.')).min(1)])
  .nullable()
  .prefault(null)
  .describe('Do it at this time from the start of the run, or at each time of a list. Give either interval or time.');

const times = count(
  'How often it is done: with interval, at most so often; with time, the number of times named.',
  1,
  10_000,
)
  .nullable()
  .prefault(null);

const when = { interval, time, count: times };

/** One line of the chaos plan, as the document writes it. Each fault type takes only the keys that mean something to it. */
export const injection = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('agent_kill').describe('Kills agents without a word (kill -9).'),
      percent: percent('Share of the agents killed each time.'),
      ...when,
    }),
    z.strictObject({
      type: z.literal('network_delay').describe('Delays every message between agents and queue.'),
      latency: duration('Added to every message.', { min: 1, max: 600_000 }),
      duration: duration('How long the delay lasts.', { min: 1_000 }).prefault('60s'),
      ...when,
    }),
    z.strictObject({
      type: z
        .literal('network_partition')
        .describe('Cuts agents off from the queue: they work on, but nothing gets through in either direction.'),
      zone: z
        .string()
        .nullable()
        .prefault(null)
        .describe('The zone whose agents are cut off; null draws one each time, "*" cuts all agents off.'),
      duration: duration('How long they are cut off.', { min: 1_000 }).prefault('30s'),
      ...when,
    }),
    z.strictObject({
      type: z.literal('coordinator_failover').describe('Kills the leading coordinator.'),
      ...when,
    }),
    z.strictObject({
      type: z
        .literal('redis_primary_kill')
        .describe('Kills a primary of the Redis that keeps the tasks (kill -9); skipped where there is none.'),
      ...when,
    }),
    z.strictObject({
      type: z.literal('zone_outage').describe('Takes a whole zone away.'),
      zone: z.string().nullable().prefault(null).describe('The zone; null draws one each time.'),
      duration: duration('How long the zone is away.', { min: 1_000 }).prefault('2min'),
      ...when,
    }),
    z.strictObject({
      type: z.literal('slow_agents').describe('Slows a share of the agents down.'),
      percent: percent('Share of the agents slowed down.'),
      factor: z.number().gt(1).max(100).prefault(3).describe('Their service times are multiplied by this.'),
      duration: duration('How long they are slow.', { min: 1_000 }).prefault('5min'),
      ...when,
    }),
    z.strictObject({
      type: z.literal('rate_limit').describe('The model answers a share of the attempts with 429 (too many requests).'),
      percent: percent('Share of the attempts answered with 429.').prefault('20%'),
      duration: duration('How long it does.', { min: 1_000 }).prefault('60s'),
      ...when,
    }),
  ])
  .meta({ id: 'Injection' });

export type InjectionOptions = z.output<typeof injection>;

export const chaosSection = z.strictObject({
  enabled: z.boolean().optional().describe('Whether faults are injected; --chaos on the command line wins.'),
  injections: z.array(injection).optional().describe('The plan: what is broken, and when.'),
  stop: z
    .strictObject({
      errorRate: share('Chaos stops for good above this error rate.').optional(),
      offlineShare: share('Chaos stops for good when more than this share of the agents is offline.').optional(),
    })
    .optional()
    .describe('When chaos stops for good.'),
});
