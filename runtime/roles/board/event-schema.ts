import { z } from 'zod';
import type { ExperimentEvent } from '../../observe/events.js';

/** Also what nobody has measured: NaN. */
export const figure = z.custom<number>((value) => typeof value === 'number', 'must be a number');
const at = figure;
const text = z.string();
const texts = z.array(text);

export const runState = z.enum(['created', 'running', 'paused', 'draining', 'stopped', 'aborted']);

const decision = z.object({
  ...{ from: figure, to: figure, reason: text, mode: text, score: figure, reactive: figure },
  ...{ predictive: figure.nullable(), floor: figure, inputs: z.record(text, figure) },
});

const fault = z.object({
  ...{ id: text, type: text, voluntary: z.boolean(), injectedAt: figure, endedAt: figure.nullable() },
  ...{ subjects: texts, tasksHeld: figure, serviceRecoveryMs: figure.nullable() },
  ...{ capacityRecoveryMs: figure.nullable(), effectSeen: z.boolean().nullable(), endSeen: z.boolean().nullable() },
  detail: text,
});

const incident = z.object({
  ...{ timestamp: figure, type: text, severity: z.enum(['critical', 'warning', 'info']) },
  ...{ description: text, resolution: text, duration: figure },
});

/** What travels as an event of the experiment. */
export const eventSchema: z.ZodType<ExperimentEvent> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run_state'), at, from: runState, to: runState, reason: text }),
  z.object({ type: z.literal('segment'), at, label: text, ratePerMin: figure }),
  z.object({ type: z.literal('leader'), at, replica: text, previous: text.nullable() }),
  z.object({ type: z.literal('scaling'), at, decision }),
  z.object({
    ...{ type: z.literal('fault'), at, fault },
    stage: z.enum(['planned', 'injected', 'probed', 'undone', 'recovered', 'skipped']),
  }),
  z.object({
    ...{ type: z.literal('alert'), at, name: text, severity: z.enum(['critical', 'warning']) },
    ...{ state: z.enum(['firing', 'resolved']), value: figure, actions: texts },
  }),
  z.object({ type: z.literal('incident'), at, incident }),
  z.object({
    ...{ type: z.literal('agents'), at, agents: texts, reason: text },
    change: z.enum(['expired', 'recycled', 'preempted', 'crashed']),
  }),
  z.object({ type: z.literal('control'), at, command: text, by: text, detail: text }),
  z.object({ type: z.literal('monitor'), at, monitor: text, finding: text, value: figure }),
  z.object({ type: z.literal('diagnostics'), at, alert: text, bundle: z.record(text, z.unknown()) }),
]);
