import { ExperimentError, type Problem } from '../../../kernel/errors.js';
import { parseClusterSlots, primariesOf, slotGaps, type SlotRange } from './cluster-slots.js';
import type { NodeDirectory } from './node-directory.js';
import { LinkFailure, type ServerFacts } from './node-link.js';
import { addressText, type RedisAddress, type RedisEndpoint } from './redis-endpoint.js';

/** Oldest Redis whose CLUSTER SLOTS, scripts and WAIT are as they are used here. */
const OLDEST_MAJOR = 7;

/** What the look at start has found. */
export interface Found {
  readonly cluster: boolean;
  /** Of the first server that answered. */
  readonly version: string;
  /** Of a cluster: who has which slots. */
  readonly ranges: readonly SlotRange[];
  /** What works, but not as it should. */
  readonly warnings: readonly string[];
}

interface Seed {
  readonly address: RedisAddress;
  readonly facts: ServerFacts | null;
  readonly failure: LinkFailure | null;
}

/**
 * Looks whether Redis is what the queue needs, and names everything that is wrong at once.
 *
 * @param path what the address was given as, for errors.
 * @param expected whether it must be a cluster; 'auto' takes what is there.
 * @throws ExperimentError NO_ANSWER when no node answers or lets this process in, CONFIG_INVALID when it does not fit.
 */
export async function checkRedis(
  endpoint: RedisEndpoint,
  path: string,
  expected: boolean | 'auto',
  directory: NodeDirectory,
  askMs: number,
): Promise<Found> {
  const seeds = await Promise.all(endpoint.nodes.map((address) => greet(directory, address)));
  const reached = seeds.find(({ facts }) => facts !== null);
  const unreached = seeds.filter(({ facts }) => facts === null);
  if (reached?.facts === undefined || reached.facts === null) {
    throw new ExperimentError(
      'NO_ANSWER',
      'Redis cannot be used',
      unreached.map((seed) => reachProblem(path, seed)),
    );
  }
  const warnings = unreached.map(({ failure }) => `${failure?.message ?? ''}; others of its cluster answered`);
  const problems: Problem[] = [];
  const { clusterEnabled: cluster, version } = reached.facts;
  for (const { address, facts } of seeds) {
    if (facts !== null) problems.push(...kindProblems(path, address, facts, expected));
  }
  if (!cluster) {
    if (seeds.length > 1) {
      const message = 'several addresses are for a cluster, and this is a single server';
      problems.push({ path, value: endpoint.nodes.map(addressText).join(','), message, hint: 'name one' });
    }
    problems.push(...roleProblems(path, reached.address, reached.facts));
    problems.push(...serverProblems(reached.address, reached.facts));
    if (problems.length > 0) throw unfit(problems);
    return { cluster, version, ranges: [], warnings: [...warnings, ...lonely(reached.address, reached.facts)] };
  }
  const ranges = await slotsAt(directory, reached.address, askMs);
  problems.push(...gapProblems(reached.address, ranges));
  const primaries = await Promise.all(primariesOf(ranges).map(({ address }) => greet(directory, address)));
  for (const { address, facts, failure } of primaries) {
    // It may just be being replaced.
    if (facts === null) warnings.push(`${failure?.message ?? addressText(address)}: a primary that cannot be reached`);
    else {
      problems.push(...serverProblems(address, facts));
      warnings.push(...lonely(address, facts));
    }
  }
  if (problems.length > 0) throw unfit(problems);
  return { cluster, version, ranges, warnings };
}

async function greet(directory: NodeDirectory, address: RedisAddress): Promise<Seed> {
  try {
    return { address, facts: await directory.facts(address), failure: null };
  } catch (error) {
    if (error instanceof LinkFailure) return { address, facts: null, failure: error };
    throw error;
  }
}

async function slotsAt(directory: NodeDirectory, address: RedisAddress, askMs: number): Promise<readonly SlotRange[]> {
  const where = addressText(address);
  const fail = (message: string, cause: unknown): ExperimentError => {
    const hint = 'the user needs +cluster|slots';
    return new ExperimentError(
      'NO_ANSWER',
      'Redis does not say who has which slots',
      [{ path: where, message, hint }],
      {
        cause,
      },
    );
  };
  try {
    const [reply] = await directory.ask(address, [['CLUSTER', 'SLOTS']], askMs);
    if (reply instanceof Error) throw reply;
    return parseClusterSlots(reply, address);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error), error);
  }
}

function reachProblem(path: string, { address, failure }: Seed): Problem {
  const value = addressText(address);
  const message = failure?.message.replace(`Redis at ${value}: `, '') ?? '';
  switch (failure?.fault) {
    case 'refused':
      return { path, value, message: `lets nobody in: ${message}`, hint: accessHint(message) };
    case 'loading':
      return { path, value, message: 'is still reading its files', hint: 'try again when it has started' };
    case 'timeout':
      return { path, value, message, hint: 'is the process stopped, or a firewall between?' };
    case 'unreachable':
    case 'closed':
    case undefined:
      return { path, value, message, hint: 'is it started, and are host, port and TLS right?' };
  }
}

function accessHint(message: string): string {
  if (message.includes('without any password')) return 'it has no password: leave user and password out of the URL';
  if (message.startsWith('NOPERM')) return 'the user may do too little: see infra/redis-config.ts for what is needed';
  return 'user and password stand in the URL before the host: redis://USER:PASSWORD@HOST:PORT';
}

function kindProblems(
  path: string,
  address: RedisAddress,
  { clusterEnabled }: ServerFacts,
  expected: boolean | 'auto',
): Problem[] {
  if (expected === 'auto' || expected === clusterEnabled) return [];
  const value = addressText(address);
  return expected
    ? [
        {
          path,
          value,
          message: 'is a single server, not a node of a cluster',
          hint: 'name a cluster, or do not ask for one',
        },
      ]
    : [
        {
          path,
          value,
          message: 'is a node of a cluster, not a single server',
          hint: 'let the cluster be found, or name a single server',
        },
      ];
}

function roleProblems(path: string, address: RedisAddress, { role, primary }: ServerFacts): Problem[] {
  if (role === 'master') return [];
  const message = `is a replica of ${primary}, which takes no writes`;
  return [{ path, value: addressText(address), message, hint: `name ${primary}` }];
}

function serverProblems(address: RedisAddress, { version, maxmemoryPolicy }: ServerFacts): Problem[] {
  const where = addressText(address);
  const problems: Problem[] = [];
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR)) {
    const message = `must be Redis ${OLDEST_MAJOR}.0 or newer`;
    problems.push({ path: `${where} redis_version`, value: version, message, hint: 'upgrade the server' });
  }
  if (maxmemoryPolicy !== 'noeviction') {
    problems.push({
      path: `${where} maxmemory-policy`,
      value: maxmemoryPolicy,
      message: 'must be noeviction: the server would drop tasks when its memory is full',
      hint: 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
    });
  }
  return problems;
}

function gapProblems(address: RedisAddress, ranges: readonly SlotRange[]): Problem[] {
  const gaps = slotGaps(ranges);
  if (gaps.length === 0) return [];
  const value = gaps.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
  return [
    {
      path: `${addressText(address)} cluster slots`,
      value,
      message: 'every slot must have an owner, these have none',
      hint: `redis-cli --cluster fix ${addressText(address)}`,
    },
  ];
}

function lonely(address: RedisAddress, { connectedReplicas }: ServerFacts): string[] {
  if (connectedReplicas > 0) return [];
  return [`${addressText(address)} has no replica: what it holds rests on the journals alone`];
}

const unfit = (problems: readonly Problem[]): ExperimentError =>
  new ExperimentError('CONFIG_INVALID', 'This Redis does not fit', problems);
