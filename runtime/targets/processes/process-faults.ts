import { hostname } from 'node:os';
import type { Fleet } from '../../agents/fleet.js';
import { nodesOf, slotRanges } from '../../chaos/adapters/redis-nodes.js';
import type { RedisProcesses } from '../../chaos/adapters/redis-primaries.js';
import { clearProxiesOf, ToxiproxyLinks } from '../../chaos/adapters/toxiproxy-links.js';
import { openToxiproxy, type Toxiproxy } from '../../chaos/adapters/toxiproxy-server.js';
import { EffectFollower } from '../../chaos/effect-follower.js';
import { EffectLeases } from '../../chaos/effect-leases.js';
import type { Clock } from '../../kernel/clock.js';
import type { RedisEndpoint } from '../../queue/adapters/redis/redis-endpoint.js';
import type { Experiment, FaultType } from '../../spec/experiment.js';

/** What an operator gives a run so that faults can be injected into processes. */
export interface FaultTools {
  /** API of a toxiproxy that runs; null = one is started where its program is found. */
  readonly toxiproxy: string | null;
  /** Processes of Redis that may be killed; null = none. */
  readonly redisProcesses: RedisProcesses | null;
}

export interface ProcessFaultsOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly redis: RedisEndpoint;
  readonly cluster: boolean;
  /** Name of the run in Redis. */
  readonly run: string;
  readonly tools: FaultTools;
  readonly onError: (error: unknown) => void;
}

type Environment = Readonly<Record<string, string>>;

/** How faults reach the agents of a run that are processes of this machine, and its Redis. */
export interface ProcessFaults {
  /** What agents of a zone are told instead of how Redis is reached directly; nothing where no link is to be broken. */
  agentEnvironment(zone: string): Environment;
  /** What the role chaos is told. */
  readonly chaosEnvironment: Environment;
  /** Carries out what chaos makes known, but for what acts inside an agent. */
  follower(fleet: Pick<Fleet, 'setZone' | 'freeze'>): EffectFollower;
  /** Takes the links away; whoever still uses them loses Redis. */
  close(): Promise<void>;
}

const OF_LINKS: readonly FaultType[] = ['network_delay', 'network_partition'];

/**
 * Opens what the plan of faults needs: a toxiproxy with links of the zones for faults of the network, none otherwise.
 *
 * @throws ExperimentError CONFIG_INVALID or NO_ANSWER when there is no toxiproxy.
 */
export async function openProcessFaults(options: ProcessFaultsOptions): Promise<ProcessFaults> {
  const { experiment, clock, onError } = options;
  const { injections } = experiment.chaos;
  const needsLinks = injections.some(({ type }) => OF_LINKS.includes(type));
  const opened = needsLinks ? await openLinks(options) : null;
  const links = (): ToxiproxyLinks => {
    if (opened === null) throw new Error('the links of the agents go past every proxy');
    return opened.links;
  };
  return {
    agentEnvironment: (zone) => (opened === null ? {} : environmentOf(opened.links, zone)),
    chaosEnvironment: opened === null ? {} : { REDIS_LINKS: JSON.stringify(opened.links.zones) },
    follower: (fleet) => {
      const nothing = (): void => undefined;
      const leases = new EffectLeases(
        clock,
        {
          setLinkDelay: (latencyMs) => links().setDelay(latencyMs),
          setReachable: (zone, reachable) => links().setReachable(zone, reachable),
          setZone: (zone, up) => {
            fleet.setZone(zone, up);
          },
          freeze: (agentIds, frozen) => {
            fleet.freeze(agentIds, frozen);
          },
          // The agents hear of these themselves.
          ...{ slow: nothing, setRateLimit: nothing },
        },
        onError,
      );
      return new EffectFollower(clock, leases, onError);
    },
    async close() {
      await opened?.links.close().catch(onError);
      await opened?.toxiproxy.close();
    },
  };
}

async function openLinks(
  options: ProcessFaultsOptions,
): Promise<{ readonly links: ToxiproxyLinks; readonly toxiproxy: Toxiproxy }> {
  const { experiment, clock, redis, cluster, run, tools, onError } = options;
  const toxiproxy = await openToxiproxy({ url: tools.toxiproxy, environment: process.env, clock, onError });
  try {
    const machine = hostname().replaceAll('_', '-');
    await clearProxiesOf(toxiproxy.client, (owner) => isOfDead(owner, machine));
    const links = await ToxiproxyLinks.open({
      client: toxiproxy.client,
      clock,
      owner: `${machine}~${process.pid}~${run.replaceAll('_', '-')}`,
      zones: experiment.fleet.zones,
      nodes: nodesOf(await slotRanges({ ...redis, cluster })),
    });
    return { links, toxiproxy };
  } catch (error) {
    await toxiproxy.close();
    throw error;
  }
}

/** A run of this machine that ended without a word has left its proxies, with whatever was wrong with them. */
function isOfDead(owner: string, machine: string): boolean {
  const [host, pid] = owner.split('~');
  if (host !== machine || pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function environmentOf(links: ToxiproxyLinks, zone: string): Environment {
  const { addresses, natMap } = links.link(zone);
  return {
    REDIS_NODES: addresses.map(({ host, port }) => `${host}:${port}`).join(','),
    REDIS_NAT_MAP: JSON.stringify(natMap),
  };
}
