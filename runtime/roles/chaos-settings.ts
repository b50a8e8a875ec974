import { z } from 'zod';
import { parseRedisProcesses, type RedisProcesses } from '../chaos/adapters/redis-primaries.js';
import type { ZoneLink } from '../chaos/adapters/toxiproxy-links.js';
import { ExperimentError } from '../kernel/errors.js';

/** What chaos is told of the place that it breaks. */
export interface ChaosSettings {
  /** File in which faults are written down before they are injected; null = nobody could undo them later. */
  readonly ledgerFile: string | null;
  /** The agents' ways to Redis, where they can be made slow and be cut. */
  readonly links: readonly ZoneLink[];
  /** Processes of Redis that may be killed; null = none. */
  readonly redisProcesses: RedisProcesses | null;
}

const address = z.object({ host: z.string(), port: z.int() });
const links = z.array(
  z.object({ zone: z.string(), addresses: z.array(address), natMap: z.record(z.string(), address) }),
);

/**
 * Reads FAULTS_FILE, REDIS_LINKS and REDIS_PROCESSES; a variable set to nothing is not set.
 *
 * @throws ExperimentError USAGE when one of them is not what it should be.
 */
export function readChaosSettings(env: Readonly<Record<string, string | undefined>>): ChaosSettings {
  const told = (name: string): string | null => (env[name] === '' ? null : (env[name] ?? null));
  const processes = told('REDIS_PROCESSES');
  return {
    ledgerFile: told('FAULTS_FILE'),
    links: readLinks(told('REDIS_LINKS')),
    redisProcesses: processes === null ? null : parseRedisProcesses(processes),
  };
}

function readLinks(text: string | null): readonly ZoneLink[] {
  if (text === null) return [];
  try {
    return links.parse(JSON.parse(text));
  } catch (cause) {
    const message = 'must be JSON: [{"zone": ZONE, "addresses": [{"host": HOST, "port": PORT}, …], "natMap": {…}}, …]';
    const problem = { path: 'REDIS_LINKS', value: text.slice(0, 100), message };
    throw new ExperimentError('USAGE', 'The links of the agents are not named right', [problem], { cause });
  }
}
