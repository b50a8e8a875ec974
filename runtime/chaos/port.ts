import type { Eventually } from '../kernel/clock.js';

/**
 * What faults act on: an in-process fleet, or a cluster. Killing is done once and the platform mends it; everything
 * that lasts is an {@link LastingEffect} applied under a {@link FaultLease}, which the place itself ends when the
 * lease runs out, so that a fault never outlives an injector that died. {@link EffectLeases} does this for places
 * that only have switches.
 */
export interface FaultSurface {
  /** All agents of the fleet, unready ones included. */
  agents(): Eventually<readonly FaultableAgent[]>;
  /** Indices of the tasks these agents hold now. */
  heldBy(agentIds: readonly string[]): Eventually<readonly number[]>;
  /** Kills agents without a word (kill -9); the platform starts them again. Unknown or dead agents are ignored. */
  kill(agentIds: readonly string[]): Eventually<void>;
  /** Kills the leading coordinator and answers its name; null = there was none. */
  killLeader(): Eventually<string | null>;
  /** The leading coordinator; null while there is none. */
  leader(): Eventually<string | null>;
  /**
   * The store that keeps the tasks, where it is one whose primaries can be killed; null = there is nothing of the kind.
   * Rejects when it cannot be asked.
   */
  store(): Eventually<StoreView | null>;
  /** Kills a primary of the store without a word (kill -9), by its name in {@link store}; its platform starts it again. */
  killStore(name: string): Eventually<void>;
  /**
   * Takes a node away together with its agents, as Spot does (simulated platforms only); they are back once another
   * node has started, after `nodeStartupMs`.
   */
  preempt(agentIds: readonly string[], nodeStartupMs: number): Eventually<void>;
  /** Starts an effect. Applying it again under the same fault id renews the lease. */
  apply(effect: LastingEffect, lease: FaultLease): Eventually<void>;
  /** Ends the effect of a fault. Idempotent: an effect that is over, or never was, is no error. */
  lift(faultId: string): Eventually<void>;
  /** Measures what the probes of the faults look at, in the fleet itself and not in the settings of the fault. */
  measure(agentIds: readonly string[]): Eventually<FaultMeasure>;
}

/** An agent as faults see it. */
export interface FaultableAgent {
  readonly id: string;
  /** Zone label: `A`, `B`, … */
  readonly zone: string;
  /** Name of the node it runs on. */
  readonly node: string;
  readonly ready: boolean;
  /** Larger for every start of the agent: how a probe sees a kill that was mended between two looks. */
  readonly incarnation: number;
}

/** What keeps the tasks, as faults see it. */
export interface StoreView {
  readonly primaries: readonly StorePrimary[];
  /** A primary that answers serves every part of it. */
  readonly whole: boolean;
}

export interface StorePrimary {
  readonly name: string;
  /** Different for every start of its process. */
  readonly incarnation: number;
}

/** Who holds an effect, and until when at most. */
export interface FaultLease {
  readonly faultId: string;
  /** Epoch ms at which the place ends the effect on its own. */
  readonly expiresAtMs: number;
}

/** Something that stays broken until it is lifted. */
export type LastingEffect =
  /** Every message between agents and queue takes this much longer, each way. */
  | { readonly kind: 'link_delay'; readonly latencyMs: number }
  /** Nothing gets through between the agents of these zones and the queue, in either direction. */
  | { readonly kind: 'partition'; readonly zones: readonly string[] }
  /** Service times of these agents are multiplied by `factor`. */
  | { readonly kind: 'slow'; readonly agentIds: readonly string[]; readonly factor: number }
  /** All agents of the zone are killed and none starts there. */
  | { readonly kind: 'zone_down'; readonly zone: string }
  /** This share of the attempts is answered with 429. */
  | { readonly kind: 'rate_limit'; readonly share: number }
  /** These agents stand still, as under SIGSTOP. */
  | { readonly kind: 'freeze'; readonly agentIds: readonly string[] };

/** An effect as its injector makes it known to the places it acts on, where these are elsewhere. */
export interface LeasedEffect {
  readonly faultId: string;
  readonly effect: LastingEffect;
  /** From when it was made known until the place ends it by itself, ms. */
  readonly leftMs: number;
}

/** What was measured; null = it cannot be measured (now), which no probe takes for a success. */
export interface FaultMeasure {
  /** Of a message between an agent and the queue and its answer, ms. */
  readonly linkRoundTripMs: number | null;
  /** Share of the attempts of the last seconds that were answered with 429, 0–1. */
  readonly rateLimitedShare: number | null;
  /** Mean ratio of measured to normal service time of the agents asked for. */
  readonly slowdown: number | null;
  /** Share of the agents asked for between which and the queue nothing gets through, 0–1. */
  readonly cutOffShare: number | null;
}

/** The plain switches of a place; {@link EffectLeases} makes leased effects of them. */
export interface EffectSwitches {
  /** 0 = none. */
  setLinkDelay(latencyMs: number): Eventually<void>;
  /** Cut: nothing gets through between the agents of the zone and the queue. */
  setReachable(zone: string, reachable: boolean): Eventually<void>;
  /** 1 = normal. */
  slow(agentIds: readonly string[], factor: number): Eventually<void>;
  /** Down: all agents of the zone are killed and cannot come back until it is up. */
  setZone(zone: string, up: boolean): Eventually<void>;
  /** 0 = none. */
  setRateLimit(share: number): Eventually<void>;
  freeze(agentIds: readonly string[], frozen: boolean): Eventually<void>;
}
