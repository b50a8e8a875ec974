import { ExperimentError } from '../kernel/errors.js';
import { parseRedisUrl } from '../queue/adapters/redis/redis-endpoint.js';
import type { Experiment, FaultType } from '../spec/experiment.js';
import type { RedisChoice } from '../targets/redis-run.js';
import type { FlagReader } from './flags.js';

export interface RedisFlags {
  readonly redis?: string;
  readonly processes?: string | true;
  readonly target?: string;
  readonly resume?: string;
}

/** Faults that act inside an agent, which nobody reaches when it is a process of its own. */
const INSIDE: readonly FaultType[] = ['network_delay', 'slow_agents', 'rate_limit'];

/**
 * Where the tasks are to be kept; null = in this process. What is wrong goes to `reader`.
 *
 * @param env a password (REDIS_PASSWORD) need not stand on the command line, where others can read it.
 */
export function readRedis(
  flags: RedisFlags,
  reader: FlagReader,
  env: Readonly<Record<string, string | undefined>>,
): RedisChoice | null {
  const processes = reader.toggle('--processes', flags.processes) ?? false;
  if (flags.redis === undefined) {
    if (processes) {
      const hint = 'name one with --redis redis://localhost:6379';
      reader.refuse('--processes', undefined, 'needs a Redis: it is all that the processes share', hint);
    }
    return null;
  }
  refuseElsewhere(flags, reader);
  try {
    const endpoint = parseRedisUrl(flags.redis, '--redis');
    const redis = {
      ...endpoint,
      username: endpoint.username ?? set(env['REDIS_USERNAME']),
      password: endpoint.password ?? set(env['REDIS_PASSWORD']),
    };
    return { redis, path: '--redis', processes };
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    reader.problems.push(...error.problems);
    return null;
  }
}

/** Refuses a plan of faults that cannot be carried out on processes. */
export function refuseFaultsInside({ chaos }: Experiment, choice: RedisChoice | null, reader: FlagReader): void {
  if (choice?.processes !== true || !chaos.enabled) return;
  const types = [...new Set(chaos.injections.map(({ type }) => type))].filter((type) => INSIDE.includes(type));
  if (types.length === 0) return;
  reader.refuse(
    '--processes',
    undefined,
    `the plan of faults has ${types.join(', ')}, which cannot be injected into agents that are processes of their own`,
    'leave them out of chaos.injections, start with --chaos=false, or without --processes',
  );
}

function refuseElsewhere({ target, resume }: RedisFlags, reader: FlagReader): void {
  if (resume !== undefined) {
    const hint = 'leave --redis out: the run goes on in the memory of this process';
    reader.refuse('--redis', undefined, 'cannot be given with --resume: a run is taken up in memory only', hint);
  } else if (target === 'rehearsal') {
    reader.refuse('--redis', undefined, 'is for --target local: a rehearsal needs none, its time is virtual');
  }
}

/** A variable set to nothing is not set. */
function set(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
