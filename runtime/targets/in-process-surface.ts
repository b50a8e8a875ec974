import type { Fleet } from '../agents/fleet.js';
import { EffectLeases } from '../chaos/effect-leases.js';
import type {
  EffectSwitches,
  FaultableAgent,
  FaultLease,
  FaultMeasure,
  FaultSurface,
  LastingEffect,
  StoreView,
} from '../chaos/port.js';
import type { Council } from '../coordinator/council.js';
import type { Clock, Eventually } from '../kernel/clock.js';
import { andThen } from '../kernel/eventually.js';
import { SECOND } from '../kernel/units.js';
import type { ProbeMeter } from './probe-meter.js';

/** An agent's pace counts as measured when it started something within this. */
const PACE_AGE_MS = 10 * SECOND;

/** What only some places can do, and what they measure of it. */
export type PlaceOfFaults = Pick<EffectSwitches, 'setLinkDelay' | 'setReachable' | 'setRateLimit'> &
  Pick<FaultSurface, 'store' | 'killStore'> & {
    /** See {@link FaultMeasure.cutOffShare}. */
    cutOffShare(agents: ReadonlyArray<Pick<FaultableAgent, 'id' | 'zone'>>): Eventually<number | null>;
  };

/** What faults act on when the run itself is in one process. */
export class InProcessSurface implements FaultSurface {
  private readonly effects: EffectLeases;

  constructor(
    private readonly clock: Clock,
    private readonly fleet: Fleet,
    private readonly council: Pick<Council, 'leader' | 'killLeader'>,
    private readonly meter: ProbeMeter,
    private readonly place: PlaceOfFaults,
    onError: (error: unknown) => void,
  ) {
    this.effects = new EffectLeases(
      clock,
      {
        setLinkDelay: (latencyMs) => place.setLinkDelay(latencyMs),
        setReachable: (zone, reachable) => place.setReachable(zone, reachable),
        slow: (agentIds, factor) => {
          fleet.slow(agentIds, factor);
        },
        setZone: (zone, up) => {
          fleet.setZone(zone, up);
        },
        setRateLimit: (share) => place.setRateLimit(share),
        freeze: (agentIds, frozen) => {
          fleet.freeze(agentIds, frozen);
        },
      },
      onError,
    );
  }

  agents(): readonly FaultableAgent[] {
    return this.fleet.agents();
  }

  heldBy(agentIds: readonly string[]): readonly number[] {
    return agentIds.flatMap((id) => this.fleet.agent(id)?.held() ?? []);
  }

  kill(agentIds: readonly string[]): void {
    this.fleet.kill(agentIds);
  }

  killLeader(): string | null {
    return this.council.killLeader();
  }

  leader(): string | null {
    return this.council.leader();
  }

  store(): Eventually<StoreView | null> {
    return this.place.store();
  }

  killStore(name: string): Eventually<void> {
    return this.place.killStore(name);
  }

  preempt(agentIds: readonly string[], nodeStartupMs: number): void {
    this.fleet.kill(agentIds, nodeStartupMs);
  }

  apply(effect: LastingEffect, lease: FaultLease): Promise<void> {
    return this.effects.apply(effect, lease);
  }

  lift(faultId: string): Promise<void> {
    return this.effects.lift(faultId);
  }

  measure(agentIds: readonly string[]): Eventually<FaultMeasure> {
    const now = this.clock.now();
    const paces = agentIds.flatMap((id) => {
      const last = this.fleet.agent(id)?.lastStretch ?? null;
      return last !== null && now - last.at <= PACE_AGE_MS ? [last.stretch] : [];
    });
    const asked = new Set(agentIds);
    const agents = asked.size === 0 ? [] : this.fleet.agents().filter(({ id }) => asked.has(id));
    return andThen(this.place.cutOffShare(agents), (cutOffShare) => ({
      linkRoundTripMs: this.meter.linkRoundTripMs(now),
      rateLimitedShare: this.meter.rateLimitedShare(now),
      slowdown: paces.length === 0 ? null : paces.reduce((sum, pace) => sum + pace, 0) / paces.length,
      cutOffShare,
    }));
  }
}
