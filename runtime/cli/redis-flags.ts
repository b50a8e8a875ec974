import { parseRedisProcesses } from '../chaos/adapters/redis-primaries.js';
import { findToxiproxy, TOXIPROXY_HINT } from '../chaos/adapters/toxiproxy-server.js';
import { ExperimentError } from '../kernel/errors.js';
import { parseRedisUrl } from '../queue/adapters/redis/redis-endpoint.js';
import type { Experiment, FaultType } from '../spec/experiment.js';
import type { FaultTools } from '../targets/processes/process-faults.js';
import type { RedisChoice } from '../targets/redis-run.js';
import type { FlagReader } from './flags.js';

export interface RedisFlags {
  readonly redis?: string;
  readonly processes?: string | true;
  readonly toxiproxy?: string;
  readonly target?: string;
  readonly resume?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Faults of the way between agents and Redis: there has to be something on that way that can be broken. */
const OF_LINKS: readonly FaultType[] = ['network_delay', 'network_partition'];

/**
 * Where the tasks are to be kept; null = in this process. What is wrong goes to `reader`.
 *
 * @param env a password (REDIS_PASSWORD) need not stand on the command line, where others can read it.
 */
export function readRedis(flags: RedisFlags, reader: FlagReader, env: Environment): RedisChoice | null {
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
    return { redis, path: '--redis', processes, tools: readTools(flags, env) };
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    reader.problems.push(...error.problems);
    return null;
  }
}

/** Refuses a plan of faults that cannot be carried out in this place. */
export function refuseFaults(
  { chaos }: Experiment,
  choice: RedisChoice | null,
  reader: FlagReader,
  env: Environment,
): void {
  if (choice === null || !chaos.enabled) return;
  const planned = (some: readonly FaultType[]): FaultType[] =>
    some.filter((type) => chaos.injections.some((injection) => injection.type === type));
  const otherwise = 'or leave them out of chaos.injections, or start with --chaos=false';
  if (choice.tools.redisProcesses === null && planned(['redis_primary_kill']).length > 0) {
    reader.refuse(
      'REDIS_PROCESSES',
      undefined,
      'is not set: the plan of faults has redis_primary_kill, and which processes may be killed is yours to say',
      `REDIS_PROCESSES='{"HOST:PORT": PROCESS-ID or "PID-FILE", …}', and see to it that they are started again; ${otherwise}`,
    );
  }
  if (!choice.processes) return;
  const links = planned(OF_LINKS);
  if (links.length === 0) return;
  const why = `the plan of faults has ${links.join(', ')}, which needs a toxiproxy between the agents and Redis`;
  if (choice.redis.tls) {
    const message = `${why}; through it the certificate of a rediss:// address would not be the right one`;
    reader.refuse('--redis', undefined, message, `give a redis:// address, ${otherwise}`);
  } else if (choice.tools.toxiproxy === null && findToxiproxy(env) === null) {
    reader.refuse('--toxiproxy', undefined, why, `${TOXIPROXY_HINT}; ${otherwise}`);
  }
}

/** @throws ExperimentError USAGE when REDIS_PROCESSES is not what it should be. */
function readTools({ toxiproxy }: RedisFlags, env: Environment): FaultTools {
  const url = toxiproxy ?? set(env['TOXIPROXY_URL']);
  if (url !== null && !/^https?:\/\/[^\s/]+\/?$/.test(url)) {
    const problem = { path: '--toxiproxy', value: url, message: 'must be where its API listens: http://HOST:PORT' };
    throw new ExperimentError('USAGE', 'This toxiproxy cannot be used', [problem]);
  }
  const processes = set(env['REDIS_PROCESSES']);
  return { toxiproxy: url, redisProcesses: processes === null ? null : parseRedisProcesses(processes) };
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
