import { Gauge } from 'prom-client';
import type { Agent } from '../agents/agent.js';
import type { RateLimitSwitch } from '../agents/port.js';
import { EffectFollower } from '../chaos/effect-follower.js';
import { EffectLeases } from '../chaos/effect-leases.js';
import type { LeasedEffect } from '../chaos/port.js';
import { MINUTE, SECOND } from '../kernel/units.js';
import { openRoleBoard } from './board/open-board.js';
import type { RoleHost } from './role.js';

const LOOK_MS = SECOND;
/** An agent that works at its normal pace again says so for so long. */
const TELL_NORMAL_MS = 3 * MINUTE;

/** Effects that act inside an agent; the others are for those who own the links, the processes and the zones. */
const INSIDE: ReadonlySet<LeasedEffect['effect']['kind']> = new Set(['slow', 'rate_limit'] as const);

/**
 * Follows what chaos makes known, and acts as it says for as long as it says: also when nothing more is heard of it. How
 * fast the agent works is told in its log (`pace`) and as a metric.
 *
 * @returns ends it.
 */
export function followEffects(host: RoleHost, agent: Agent, executor: RateLimitSwitch): () => Promise<void> {
  const { clock, log, metrics } = host;
  const onError = (error: unknown): void => {
    log.warn({ err: error }, 'what chaos wants is not known at the moment');
  };
  const elsewhere = (): void => undefined;
  const leases = new EffectLeases(
    clock,
    {
      slow: (agentIds, factor) => {
        if (agentIds.includes(agent.id)) agent.slowdown = factor;
      },
      setRateLimit: (share) => {
        executor.extraRateLimit = share;
      },
      ...{ setLinkDelay: elsewhere, setReachable: elsewhere, setZone: elsewhere, freeze: elsewhere },
    },
    onError,
  );
  const follower = new EffectFollower(clock, leases, onError);
  const pace = new Gauge({ name: 'agent_stretch', help: 'Of the latest attempt: 1 = normal.', registers: [metrics] });
  pace.set(1);
  let toldAt = -Infinity;
  let normalSince = Infinity;
  const board = openRoleBoard(host, onError);
  const following = board.follow('effects', LOOK_MS, (found) => {
    if (found !== null)
      follower.heard(
        found.note.effects.filter(({ effect }) => INSIDE.has(effect.kind)),
        found.ageMs,
      );
    const last = agent.lastStretch;
    if (last === null || last.at === toldAt) return;
    toldAt = last.at;
    normalSince = last.stretch === 1 ? Math.min(normalSince, last.at) : Infinity;
    pace.set(last.stretch);
    if (last.at - normalSince <= TELL_NORMAL_MS || last.stretch !== 1) log.info({ stretch: last.stretch }, 'pace');
  });
  return async () => {
    following.cancel();
    await board.close(0);
  };
}
