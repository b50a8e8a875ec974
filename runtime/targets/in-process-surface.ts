import type { Fleet } from '../agents/fleet.js';
import type { RateLimitSwitch } from '../agents/port.js';
import { EffectLeases } from '../chaos/effect-leases.js';
import type { FaultableAgent, FaultLease, FaultMeasure, FaultSurface, LastingEffect } from '../chaos/port.js';
import type { Clock } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import type { Leadership } from './platform.js';
import type { ProbeMeter } from './probe-meter.js';
import type { RunQueue } from './run-queue.js';

/** An agent's pace counts as measured when it started something within this. */
const PACE_AGE_MS = 10 * SECOND;

/** What faults act on when everything runs on this machine. */
export class InProcessSurface implements FaultSurface {
  private readonly effects: EffectLeases;

  constructor(
    private readonly clock: Clock,
    private readonly fleet: Fleet,
    private readonly council: Leadership,
    private readonly meter: ProbeMeter,
    queue: Pick<RunQueue, 'setLinkDelay'>,
    executor: RateLimitSwitch,
    onError: (error: unknown) => void,
  ) {
    this.effects = new EffectLeases(
      clock,
      {
        setLinkDelay: (latencyMs) => {
          queue.setLinkDelay(latencyMs);
        },
        slow: (agentIds, factor) => {
          fleet.slow(agentIds, factor);
        },
        setZone: (zone, up) => {
          fleet.setZone(zone, up);
        },
        setRateLimit: (share) => {
          executor.extraRateLimit = share;
        },
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

  preempt(agentIds: readonly string[], nodeStartupMs: number): void {
    this.fleet.kill(agentIds, nodeStartupMs);
  }

  apply(effect: LastingEffect, lease: FaultLease): Promise<void> {
    return this.effects.apply(effect, lease);
  }

  lift(faultId: string): Promise<void> {
    return this.effects.lift(faultId);
  }

  measure(agentIds: readonly string[]): FaultMeasure {
    const now = this.clock.now();
    const paces = agentIds.flatMap((id) => {
      const last = this.fleet.agent(id)?.lastStretch ?? null;
      return last !== null && now - last.at <= PACE_AGE_MS ? [last.stretch] : [];
    });
    return {
      linkRoundTripMs: this.meter.linkRoundTripMs(now),
      rateLimitedShare: this.meter.rateLimitedShare(now),
      slowdown: paces.length === 0 ? null : paces.reduce((sum, pace) => sum + pace, 0) / paces.length,
    };
  }
}
