import type { Clock, Timer } from '../kernel/clock.js';
import type { EffectSwitches, FaultLease, LastingEffect } from './port.js';

interface HeldEffect {
  readonly effect: LastingEffect;
  readonly expiry: Timer;
}

/** Pause before a switch that failed on expiry is tried again. */
const RETRY_MS = 1_000;

/**
 * Leased effects on a place that only has switches: it remembers which fault holds what, ends it when the lease runs
 * out, and sets each switch to the strongest effect still held. It lives beside the place, not beside the injector.
 */
export class EffectLeases {
  private readonly held = new Map<string, HeldEffect>();
  /** Switches are set one after the other, so that the last word is also the last to arrive. */
  private tail: Promise<void> = Promise.resolve();

  /** @param onError told when a switch fails on expiry, where there is nobody to throw to; it is tried again */
  constructor(
    private readonly clock: Clock,
    private readonly switches: EffectSwitches,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Ids of the faults whose effect is on. */
  get open(): readonly string[] {
    return [...this.held.keys()];
  }

  /** Starts (or renews) an effect. An expired lease is refused: the fault would have nobody to end it. */
  async apply(effect: LastingEffect, lease: FaultLease): Promise<void> {
    if (lease.expiresAtMs <= this.clock.now()) throw new Error(`the lease of fault ${lease.faultId} has run out`);
    const earlier = this.held.get(lease.faultId);
    earlier?.expiry.cancel();
    const expiry = this.expireAt(lease.expiresAtMs, lease.faultId);
    // Remembered before the switch is touched: if that fails half-way, lift and expiry still clear it.
    this.held.set(lease.faultId, { effect, expiry });
    if (earlier !== undefined) await this.inTurn(earlier.effect);
    await this.inTurn(effect);
  }

  /** Ends the effect of a fault; nothing happens when it has none. */
  async lift(faultId: string): Promise<void> {
    const held = this.held.get(faultId);
    if (held === undefined) return;
    this.held.delete(faultId);
    try {
      await this.inTurn(held.effect);
    } catch (error) {
      // Still on, as far as anybody knows: the next lift, or the expiry, tries again.
      if (!this.held.has(faultId)) this.held.set(faultId, held);
      throw error;
    }
    held.expiry.cancel();
  }

  private expireAt(time: number, faultId: string): Timer {
    return this.clock.at(time, () => {
      this.clock.spawn(
        () => this.lift(faultId),
        (error) => {
          this.onError(error);
          const held = this.held.get(faultId);
          if (held === undefined) return;
          const expiry = this.expireAt(this.clock.now() + RETRY_MS, faultId);
          this.held.set(faultId, { effect: held.effect, expiry });
        },
      );
    });
  }

  private inTurn(effect: LastingEffect): Promise<void> {
    const turn = this.tail.then(() => this.settle(effect));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  /** Sets the switches that `effect` touches to what is held now. */
  private async settle(effect: LastingEffect): Promise<void> {
    const { switches } = this;
    switch (effect.kind) {
      case 'link_delay':
        await switches.setLinkDelay(Math.max(0, ...this.ofKind('link_delay').map((other) => other.latencyMs)));
        return;
      case 'rate_limit':
        await switches.setRateLimit(Math.max(0, ...this.ofKind('rate_limit').map((other) => other.share)));
        return;
      case 'zone_down':
        await switches.setZone(effect.zone, !this.ofKind('zone_down').some((other) => other.zone === effect.zone));
        return;
      case 'partition': {
        const cut = new Set(this.ofKind('partition').flatMap((other) => other.zones));
        for (const zone of effect.zones) await switches.setReachable(zone, !cut.has(zone));
        return;
      }
      case 'slow':
        for (const [factor, agentIds] of this.byFactor(effect.agentIds)) await switches.slow(agentIds, factor);
        return;
      case 'freeze': {
        const frozen = new Set(this.ofKind('freeze').flatMap((other) => other.agentIds));
        const on = effect.agentIds.filter((id) => frozen.has(id));
        const off = effect.agentIds.filter((id) => !frozen.has(id));
        if (on.length > 0) await switches.freeze(on, true);
        if (off.length > 0) await switches.freeze(off, false);
      }
    }
  }

  /** The agents by the largest factor held on each, 1 where there is none. */
  private byFactor(agentIds: readonly string[]): Map<number, string[]> {
    const factors = new Map<string, number>(agentIds.map((id) => [id, 1]));
    for (const { agentIds: slowed, factor } of this.ofKind('slow')) {
      for (const id of slowed) {
        const current = factors.get(id);
        if (current !== undefined) factors.set(id, Math.max(current, factor));
      }
    }
    const groups = new Map<number, string[]>();
    for (const [id, factor] of factors) {
      const group = groups.get(factor);
      if (group === undefined) groups.set(factor, [id]);
      else group.push(id);
    }
    return groups;
  }

  private ofKind<K extends LastingEffect['kind']>(kind: K): Array<Extract<LastingEffect, { kind: K }>> {
    const isKind = (effect: LastingEffect): effect is Extract<LastingEffect, { kind: K }> => effect.kind === kind;
    return [...this.held.values()].map((held) => held.effect).filter(isKind);
  }
}
