import type { Clock } from '../../runtime/kernel/clock.js';
import { EffectLeases } from '../../runtime/chaos/effect-leases.js';
import type {
  EffectSwitches,
  FaultableAgent,
  FaultLease,
  FaultMeasure,
  FaultSurface,
  LastingEffect,
  StoreView,
} from '../../runtime/chaos/port.js';

interface FakeAgent {
  readonly id: string;
  readonly zone: string;
  readonly node: string;
  ready: boolean;
  incarnation: number;
  slowdown: number;
}

const RESTART_MS = 5_000;
const ELECTION_MS = 2_000;
const PROMOTION_MS = 3_000;

/** A fleet in a table: what is killed is back after 5 s, a dead leader has a successor after 2 s, and a
 * dead primary after 3 s. */
export class FakeFleet implements FaultSurface, EffectSwitches {
  readonly leases: EffectLeases;
  readonly table: FakeAgent[];
  readonly killed: string[][] = [];
  readonly preempted: string[][] = [];
  readonly calls: string[] = [];
  linkDelayMs = 0;
  rateLimitShare = 0;
  readonly zonesDown = new Set<string>();
  readonly zonesCut = new Set<string>();
  /** Null = a store that has no primaries. */
  primaries: Array<{ name: string; incarnation: number }> | null = [1, 2, 3].map((n) => ({
    ...{ name: `redis-${n}:6379`, incarnation: 100 * n },
  }));
  leading: string | null = 'coordinator-0';
  private elections = 0;
  /** Faults that act on nothing: what a wrongly configured toxic looks like. */
  ineffective = false;
  /** Thrown by the next calls of these names. */
  readonly failing = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    count = 20,
    zones: readonly string[] = ['A', 'B', 'C', 'D'],
    agentsPerNode = 4,
  ) {
    this.leases = new EffectLeases(clock, this, () => undefined);
    this.table = Array.from({ length: count }, (_, i) => ({
      id: `agent-${String(i).padStart(3, '0')}`,
      zone: zones[i % zones.length] as string,
      node: `node-${String(Math.floor(i / agentsPerNode)).padStart(3, '0')}`,
      ready: true,
      incarnation: 1,
      slowdown: 1,
    }));
  }

  /** Nothing is broken (agents on their way back up aside). */
  get unbroken(): boolean {
    const zones = this.zonesDown.size === 0 && this.zonesCut.size === 0;
    const switches = this.linkDelayMs === 0 && this.rateLimitShare === 0 && zones;
    return switches && this.leases.open.length === 0 && this.table.every((agent) => agent.slowdown === 1);
  }

  get readyCount(): number {
    return this.table.filter((agent) => agent.ready).length;
  }

  agents(): readonly FaultableAgent[] {
    return this.table.map((agent) => ({ ...agent }));
  }

  /** Agent n holds the tasks 10 n and 10 n + 1. */
  heldBy(agentIds: readonly string[]): readonly number[] {
    return agentIds.map((id) => Number(id.slice('agent-'.length))).flatMap((n) => [10 * n, 10 * n + 1]);
  }

  kill(agentIds: readonly string[]): void {
    this.enter('kill');
    this.killed.push([...agentIds]);
    if (!this.ineffective) for (const id of agentIds) this.bringDown(id, RESTART_MS);
  }

  killLeader(): string | null {
    this.enter('killLeader');
    const killed = this.leading;
    this.leading = null;
    this.clock.after(ELECTION_MS, () => {
      this.elections += 1;
      this.leading = `coordinator-${this.elections % 3}`;
    });
    return killed;
  }

  leader(): string | null {
    return this.leading;
  }

  store(): StoreView | null {
    if (this.primaries === null) return null;
    return { primaries: this.primaries.map((one) => ({ ...one })), whole: this.primaries.length === 3 };
  }

  killStore(name: string): void {
    this.enter('killStore');
    if (this.ineffective) return;
    this.primaries = (this.primaries ?? []).filter((one) => one.name !== name);
    this.clock.after(PROMOTION_MS, () => this.primaries?.push({ name: `${name}-replica`, incarnation: 7 }));
  }

  preempt(agentIds: readonly string[], nodeStartupMs: number): void {
    this.preempted.push([...agentIds]);
    for (const id of agentIds) this.bringDown(id, nodeStartupMs);
  }

  async apply(effect: LastingEffect, lease: FaultLease): Promise<void> {
    this.enter('apply');
    await this.leases.apply(effect, lease);
  }

  async lift(faultId: string): Promise<void> {
    this.enter('lift');
    await this.leases.lift(faultId);
  }

  measure(agentIds: readonly string[]): FaultMeasure {
    const asked = this.table.filter((agent) => agentIds.includes(agent.id));
    const mean = asked.reduce((sum, agent) => sum + agent.slowdown, 0) / asked.length;
    return {
      linkRoundTripMs: 1 + 2 * this.linkDelayMs,
      rateLimitedShare: this.rateLimitShare,
      slowdown: asked.length === 0 ? null : mean,
      cutOffShare:
        asked.length === 0 ? null : asked.filter(({ zone }) => this.zonesCut.has(zone)).length / asked.length,
    };
  }

  setLinkDelay(latencyMs: number): void {
    this.enter('setLinkDelay');
    if (!this.ineffective) this.linkDelayMs = latencyMs;
  }

  slow(agentIds: readonly string[], factor: number): void {
    this.enter('slow');
    if (this.ineffective) return;
    for (const agent of this.table) if (agentIds.includes(agent.id)) agent.slowdown = factor;
  }

  setZone(zone: string, up: boolean): void {
    this.enter('setZone');
    if (this.ineffective) return;
    if (up) this.zonesDown.delete(zone);
    else this.zonesDown.add(zone);
    for (const agent of this.table) if (agent.zone === zone) this.bringDown(agent.id, RESTART_MS);
  }

  setReachable(zone: string, reachable: boolean): void {
    this.enter('setReachable');
    if (this.ineffective) return;
    if (reachable) this.zonesCut.delete(zone);
    else this.zonesCut.add(zone);
  }

  setRateLimit(share: number): void {
    this.enter('setRateLimit');
    if (!this.ineffective) this.rateLimitShare = share;
  }

  freeze(agentIds: readonly string[], frozen: boolean): void {
    this.calls.push(`freeze ${agentIds.join(',')} ${String(frozen)}`);
  }

  private enter(name: string): void {
    this.calls.push(name);
    const left = this.failing.get(name) ?? 0;
    if (left === 0) return;
    this.failing.set(name, left - 1);
    throw new Error(`${name} failed`);
  }

  private bringDown(id: string, forMs: number): void {
    const agent = this.table.find((candidate) => candidate.id === id);
    if (agent === undefined) return;
    agent.ready = false;
    agent.incarnation += 1;
    const { incarnation } = agent;
    this.clock.after(forMs, () => {
      if (agent.incarnation === incarnation && !this.zonesDown.has(agent.zone)) agent.ready = true;
    });
  }
}
