import type { SeedResult } from './check-seed.js';
import { redisScenarioOf } from './redis-scenario.js';
import { simulateRedis } from './redis-simulate.js';

/** Runs a random fleet over a simulated Redis with random faults, and judges it. */
export async function checkRedisSeed(seed: number): Promise<SeedResult> {
  const { problems, reruns, unknowable, tasks, events, history } = await simulateRedis(redisScenarioOf(seed), {
    durable: true,
  });
  return {
    seed,
    // A task that runs twice costs only time, but nothing in these runs makes it necessary.
    problems: problems.length + reruns.length === 0 ? [] : [...problems, ...reruns, ...history],
    events,
    end: `${tasks} tasks${unknowable > 0 ? `, ${unknowable} counted twice where nobody could know` : ''}`,
  };
}

/** The same without waiting for replicas and without telling anything again: how many tasks are lost then. */
export async function lostUnprotected(seed: number): Promise<number> {
  return (await simulateRedis(redisScenarioOf(seed), { durable: false })).lost;
}
