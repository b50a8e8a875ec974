import { FlagReader } from '../../runtime/cli/flags.js';
import { readRedis, refuseFaults, type RedisFlags } from '../../runtime/cli/redis-flags.js';
import type { FaultType } from '../../runtime/spec/experiment.js';
import { injection } from '../chaos/stage.js';
import { experiment } from '../support/experiment.js';

const PROCESSES = '{"127.0.0.1:7000": 4711}';

/** What is refused of a plan with these faults. */
function refused(types: readonly FaultType[], flags: RedisFlags, env: NodeJS.ProcessEnv = {}): string[] {
  const reader = new FlagReader();
  const injections = types.map((type) => injection({ type, atMs: [1_000], durationMs: 1_000 }));
  const chaos = { enabled: true, injections, stop: { errorRate: 1, offlineShare: 1 } };
  refuseFaults(experiment({ rest: { chaos } }), readRedis(flags, reader, env), reader, env);
  return reader.problems.map(({ path, message, hint }) => `${path}: ${message} → ${hint ?? ''}`);
}

describe('a plan of faults for a run in a Redis', () => {
  const redis = { redis: 'redis://localhost:7000' };
  const processes = { ...redis, processes: true as const };

  it('needs a toxiproxy for faults of the network among processes, and says how to get one', () => {
    const [problem, ...others] = refused(['network_delay', 'network_partition'], processes, { PATH: '/nonexistent' });
    expect(others).toEqual([]);
    expect(problem).toMatch(/^--toxiproxy: the plan of faults has network_delay, network_partition, which needs/);
    expect(problem).toMatch(/install toxiproxy-server .*\$TOXIPROXY_SERVER.*--toxiproxy http:.*--chaos=false/);
    expect(refused(['network_delay'], { ...processes, toxiproxy: 'http://x:8474' })).toEqual([]);
    expect(refused(['network_delay'], processes, { TOXIPROXY_URL: 'http://x:8474' })).toEqual([]);
    // Any program will do for this.
    expect(refused(['network_delay'], processes, { TOXIPROXY_SERVER: process.execPath })).toEqual([]);
    expect(refused(['network_delay'], redis, { PATH: '/nonexistent' })).toEqual([]);
  });

  it('needs to be told which processes of Redis may be killed, however the agents run', () => {
    for (const flags of [redis, processes]) {
      const [problem] = refused(['redis_primary_kill'], flags);
      expect(problem).toMatch(/^REDIS_PROCESSES: is not set: the plan of faults has redis_primary_kill.*HOST:PORT/);
      expect(refused(['redis_primary_kill'], flags, { REDIS_PROCESSES: PROCESSES })).toEqual([]);
    }
    expect(refused([], redis, { REDIS_PROCESSES: 'garbage' })[0]).toContain('must be JSON');
  });

  it('has everything else for nothing', () => {
    const rest: FaultType[] = ['agent_kill', 'coordinator_failover', 'zone_outage', 'slow_agents', 'rate_limit'];
    expect(refused(rest, processes, { PATH: '' })).toEqual([]);
    expect(refused(['network_partition', 'redis_primary_kill'], {}, { PATH: '' })).toEqual([]);
  });
});
