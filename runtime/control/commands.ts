import { z } from 'zod';
import { DAY } from '../kernel/units.js';
import { ExperimentError } from '../kernel/errors.js';
import type { Clock } from '../kernel/clock.js';
import type { RunControl } from './port.js';

/** Who is recorded as having given a command that came through the API. */
const OPERATOR = 'operator';

/** What carries out a command beside the run itself. */
export interface CommandSurroundings {
  readonly clock: Clock;
  /** Writes the snapshot into the run's folder; answers the path of the file. */
  readonly saveSnapshot: (snapshot: object) => Promise<string>;
}

/** What a command answers beside the state the run is in afterwards; plain JSON. */
export type CommandAnswer = Readonly<Record<string, unknown>>;

/** A command of the API: what its body must be, and what it does. */
export interface CommandDefinition {
  readonly body: z.ZodType;
  carryOut(run: RunControl, body: unknown, around: CommandSurroundings): CommandAnswer | Promise<CommandAnswer>;
}

/** The commands by their path. A run that is over takes none but `emergency-stop`, which may be repeated. */
export const COMMANDS: Readonly<Record<string, CommandDefinition>> = {
  pause: command(z.strictObject({}), async (run) => {
    await run.pause(OPERATOR);
    return {};
  }),

  resume: command(z.strictObject({}), async (run) => {
    await run.resume(OPERATOR);
    return {};
  }),

  drain: command(
    z.strictObject({ timeoutMs: z.number().min(0).max(DAY), thenStop: z.boolean().default(false) }),
    async (run, { timeoutMs, thenStop }) => {
      await run.drain(OPERATOR, timeoutMs, thenStop);
      return {};
    },
  ),

  scale: command(z.strictObject({ agents: z.int().min(1) }), async (run, { agents }) => {
    const { maxAgents } = run.status().limits;
    if (agents > maxAgents) {
      throw new ExperimentError('USAGE', 'so many agents are not allowed', [
        {
          path: 'agents',
          value: String(agents),
          message: `must be from 1 to ${maxAgents}, the most of this experiment`,
        },
      ]);
    }
    await run.scale(OPERATOR, agents);
    return { agents };
  }),

  chaos: command(z.strictObject({ on: z.boolean() }), async (run, { on }) => {
    const isOn = await run.setChaos(OPERATOR, on);
    return { on: isOn, halted: run.status().chaos.halted };
  }),

  snapshot: command(z.strictObject({}), async (run, _body, { saveSnapshot }) => ({
    file: await saveSnapshot(run.snapshot(OPERATOR)),
  })),

  stop: command(z.strictObject({}), async (run) => {
    await run.stop(OPERATOR);
    return {};
  }),

  'emergency-stop': command(z.strictObject({}), async (run, _body, { clock }) => {
    const before = clock.now();
    await run.emergencyStop(OPERATOR);
    return { timeToHaltMs: clock.now() - before };
  }),
};

function command<Body>(
  body: z.ZodType<Body>,
  carryOut: (run: RunControl, body: Body, around: CommandSurroundings) => CommandAnswer | Promise<CommandAnswer>,
): CommandDefinition {
  return { body, carryOut: (run, given, around) => carryOut(run, body.parse(given), around) };
}
