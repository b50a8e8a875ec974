import type { FaultType } from '../../spec/experiment.js';
import type { FaultInjector } from '../fault.js';
import { agentKill } from './agent-kill.js';
import { coordinatorFailover } from './coordinator-failover.js';
import { networkDelay } from './network-delay.js';
import { networkPartition } from './network-partition.js';
import { rateLimit } from './rate-limit.js';
import { redisPrimaryKill } from './redis-primary-kill.js';
import { slowAgents } from './slow-agents.js';
import { zoneOutage } from './zone-outage.js';

/** How each type of fault is done. */
export const INJECTORS: Readonly<Record<FaultType, FaultInjector>> = {
  agent_kill: agentKill,
  coordinator_failover: coordinatorFailover,
  network_delay: networkDelay,
  network_partition: networkPartition,
  redis_primary_kill: redisPrimaryKill,
  zone_outage: zoneOutage,
  slow_agents: slowAgents,
  rate_limit: rateLimit,
};
