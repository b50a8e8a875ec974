import { z } from 'zod';
import type { Command, NoteName, Notes } from './board.js';
import { figure, runState } from './event-schema.js';

const text = z.string();

const sample = z.object({
  ...{ total: figure, target: figure, active: figure, idle: figure, error: figure, slots: figure, busySlots: figure },
  ...{ byZone: z.record(text, figure), cpu: figure, memoryBytes: figure, networkBytes: figure, connections: figure },
  ...{ restarts: figure, recycled: figure },
});

const agent = z.object({
  ...{ id: text, zone: text, node: text, ready: z.boolean(), incarnation: figure },
  ...{ held: z.array(figure), pid: z.int().nullable(), stretch: figure.nullable().optional() },
});

const scaling = z.object({
  ...{ queueDepth: figure, avgWaitMs: figure, cpu: figure, errorRate: figure, offeredPerMin: figure },
  ...{ refusedPerMin: figure, agents: figure, readyAgents: figure, meanServiceMs: figure },
});

const percentiles = z.object({ p50: figure, p90: figure, p99: figure });

const data = z.object({
  timestamp: figure,
  agents: z.object({
    ...{ total: figure, active: figure, idle: figure, error: figure, byZone: z.record(text, figure) },
    ...{ target: figure, busySlots: figure, slots: figure },
  }),
  performance: z.object({
    ...{ throughput: figure, latency: percentiles, queueDepth: figure, waitTime: figure, completion: percentiles },
    ...{ offered: figure, shed: figure, dispatchLag: figure, p99Recent: figure },
  }),
  resources: z.object({ cpuTotal: figure, memoryTotal: figure, networkIO: figure, connections: figure }),
  errors: z.object({ rate: figure, byType: z.record(text, figure) }),
  cost: figure,
});

const counts = z.object({
  ...{ submitted: figure, completed: figure, failed: figure, shed: figure, queued: figure, leased: figure },
  ...{ superseded: figure, retried: figure, expired: figure },
});

const forecast = z.object({
  ...{ chosen: text, candidates: z.array(z.object({ model: text, error: figure })) },
  ...{ coverage: figure.nullable(), feedForwardError: figure.nullable() },
});

const end = z.object({
  ...{ state: z.enum(['stopped', 'aborted']), at: figure, reason: text, elapsedMs: figure, complete: z.boolean() },
  timeToHaltMs: figure.nullable(),
});

const memory = z.object({
  ...{ state: runState, since: figure, drainDeadline: figure, stopWhenDrained: z.boolean() },
  ...{ drainedAt: figure.nullable(), endReason: text, complete: z.boolean(), loadStarted: z.boolean() },
  end: end.nullable(),
});

const effect = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('link_delay'), latencyMs: figure }),
  z.object({ kind: z.literal('partition'), zones: z.array(text) }),
  z.object({ kind: z.literal('slow'), agentIds: z.array(text), factor: figure }),
  z.object({ kind: z.literal('zone_down'), zone: text }),
  z.object({ kind: z.literal('rate_limit'), share: figure }),
  z.object({ kind: z.literal('freeze'), agentIds: z.array(text) }),
]);

/** What each note must look like. */
export const NOTE_SCHEMAS: { readonly [N in NoteName]: z.ZodType<Notes[N]> } = {
  run: z.object({
    ...{ state: runState, reason: text, startedAt: figure.nullable(), experimentMode: z.boolean() },
    ...{ drained: z.boolean(), leader: text.optional() },
    memory: z.object({ run: memory, commandsUpTo: text }).optional(),
  }),
  load: z.object({
    ...{ elapsedMs: figure, position: z.unknown(), exhausted: z.boolean(), unanswered: figure },
    ...{ stats: z.record(text, figure), obeys: runState.optional() },
  }),
  measures: z.object({
    ...{ scaling, p99RecentMs: figure, samples: figure, errorRate: figure, costUsd: figure },
    ...{ data: data.optional(), counts: counts.optional(), alertsFiring: z.array(text).optional() },
  }),
  fleet: z.object({
    ...{ sample, agents: z.array(agent) },
    leader: z.object({ id: text, pid: z.int().nullable() }).nullable().optional(),
  }),
  wanted: z.object({ agents: figure, floor: figure.nullable() }),
  autoscaler: z.object({ snapshot: z.unknown(), forecast: forecast.nullable() }),
  effects: z.object({ effects: z.array(z.object({ faultId: text, effect, leftMs: figure })) }),
  chaos: z.object({ enabled: z.boolean(), halted: text.nullable(), open: z.array(text) }),
};

const by = text;

/** What travels as a command. */
export const commandSchema: z.ZodType<Command> = z.discriminatedUnion('name', [
  z.object({ name: z.enum(['start', 'pause', 'resume', 'stop', 'emergency-stop', 'emergency-scale']), by }),
  z.object({ name: z.literal('drain'), by, timeoutMs: figure, thenStop: z.boolean() }),
  z.object({ name: z.literal('scale'), by, agents: figure }),
  z.object({ name: z.literal('chaos'), by, on: z.boolean() }),
  z.object({ name: z.enum(['pause-because', 'abort-because']), by, reason: text }),
]);
