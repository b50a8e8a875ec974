import type { Clock } from '../kernel/clock.js';
import type { EffectLeases } from './effect-leases.js';
import type { LastingEffect, LeasedEffect } from './port.js';

/** What a place remembers of an effect that it holds. */
interface Held {
  readonly text: string;
  expiresAtMs: number;
}

/** A lease whose end has moved by less is the one known: the age of what was heard is not exact. */
const SAME_LEASE_MS = 500;

/**
 * Brings the effects of a place in line with what it hears from the injector, which is elsewhere and may die: then the
 * leases of what was heard last run out here.
 */
export class EffectFollower {
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly clock: Clock,
    private readonly leases: Pick<EffectLeases, 'apply' | 'lift'>,
    /** Told of a switch that failed; it is tried again with what is heard next. */
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @param ageMs since they were made known. */
  heard(effects: readonly LeasedEffect[], ageMs: number): void {
    const now = this.clock.now();
    const lasting = effects.filter(({ leftMs }) => leftMs > ageMs);
    const named = new Set(lasting.map(({ faultId }) => faultId));
    for (const { faultId, effect, leftMs } of lasting) this.hold(faultId, effect, now + leftMs - ageMs);
    for (const faultId of [...this.held.keys()].filter((id) => !named.has(id))) {
      this.held.delete(faultId);
      this.clock.spawn(() => this.leases.lift(faultId), this.onError);
    }
  }

  private hold(faultId: string, effect: LastingEffect, expiresAtMs: number): void {
    const text = JSON.stringify(effect);
    const known = this.held.get(faultId);
    if (known?.text === text && Math.abs(known.expiresAtMs - expiresAtMs) < SAME_LEASE_MS) return;
    this.held.set(faultId, { text, expiresAtMs });
    this.clock.spawn(
      () => this.leases.apply(effect, { faultId, expiresAtMs }),
      (error) => {
        // Not known to be on: it is applied anew when it is heard of again.
        this.held.delete(faultId);
        this.onError(error);
      },
    );
  }
}
