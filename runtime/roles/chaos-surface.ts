import { isStartedWith } from '../chaos/adapters/own-process.js';
import type { LinkProbe } from '../chaos/adapters/link-probe.js';
import type { RedisPrimaries } from '../chaos/adapters/redis-primaries.js';
import type {
  FaultableAgent,
  FaultLease,
  FaultMeasure,
  FaultSurface,
  LastingEffect,
  StoreView,
} from '../chaos/port.js';
import type { Clock } from '../kernel/clock.js';
import { killWithDescendants } from '../targets/processes/descendants.js';
import type { AgentNote, Board, EffectsNote, FleetNote } from './board/board.js';

export interface ChaosSurfaceOptions {
  readonly board: Pick<Board, 'write'>;
  readonly clock: Clock;
  /** Name of the run; the processes of a run carry it. */
  readonly runId: string;
  /** Throws while nothing is heard of it. */
  readonly fleet: () => FleetNote;
  /** null = the agents' links go past everything that could be measured. */
  readonly links: LinkProbe | null;
  /** null = no primary may be killed here. */
  readonly primaries: RedisPrimaries | null;
  /** Agents run programs of their own, which go with them. */
  readonly withDescendants: boolean;
  /** Of the last seconds; null = not known. */
  readonly rateLimitedShare: () => number | null;
}

/**
 * What faults act on where a run is processes that share nothing but Redis. Processes are killed by their numbers;
 * effects that last are made known on the board, with their leases, and carried out by the places that follow it:
 * whoever owns the links and the zones, and the agents themselves.
 */
export class ChaosSurface implements FaultSurface {
  private readonly effects = new Map<string, { readonly effect: LastingEffect; readonly expiresAtMs: number }>();

  constructor(private readonly options: ChaosSurfaceOptions) {}

  /** What is broken now, for the board. */
  note(): EffectsNote {
    const now = this.options.clock.now();
    for (const [faultId, { expiresAtMs }] of this.effects) if (expiresAtMs <= now) this.effects.delete(faultId);
    const effects = [...this.effects].map(([faultId, { effect, expiresAtMs }]) => ({
      ...{ faultId, effect, leftMs: expiresAtMs - now },
    }));
    return { effects };
  }

  agents(): readonly FaultableAgent[] {
    return this.options.fleet().agents.map(({ id, zone, node, ready, incarnation }) => ({
      ...{ id, zone, node, ready, incarnation },
    }));
  }

  heldBy(agentIds: readonly string[]): readonly number[] {
    return this.named(agentIds).flatMap(({ held }) => held);
  }

  kill(agentIds: readonly string[]): void {
    const failed: string[] = [];
    for (const { id, pid } of this.named(agentIds)) {
      if (pid === null) failed.push(`${id} is no process of this machine`);
      // One that is gone by now needs no killing.
      else if (this.isOurs(pid, id)) this.end(pid);
    }
    if (failed.length > 0) throw new Error(failed.join('; '));
  }

  leader(): string | null {
    return this.options.fleet().leader?.id ?? null;
  }

  killLeader(): string | null {
    const leader = this.options.fleet().leader ?? null;
    if (leader === null) return null;
    const { id, pid } = leader;
    if (pid === null) throw new Error(`the leading coordinator ${id} is no process of this machine`);
    if (!this.isOurs(pid, id)) return null;
    process.kill(pid, 'SIGKILL');
    return id;
  }

  preempt(): never {
    throw new Error('nodes are pre-empted by their platform only');
  }

  async store(): Promise<StoreView | null> {
    return (await this.options.primaries?.store()) ?? null;
  }

  async killStore(name: string): Promise<void> {
    if (this.options.primaries === null) throw new Error('there is no Redis here whose primaries could be killed');
    await this.options.primaries.killStore(name);
  }

  async apply(effect: LastingEffect, lease: FaultLease): Promise<void> {
    if (lease.expiresAtMs <= this.options.clock.now())
      throw new Error(`the lease of fault ${lease.faultId} has run out`);
    this.effects.set(lease.faultId, { effect, expiresAtMs: lease.expiresAtMs });
    await this.tell();
  }

  async lift(faultId: string): Promise<void> {
    // Also one that is not known here: whoever injected it may have been another process, whose note still stands.
    this.effects.delete(faultId);
    await this.tell();
  }

  async measure(agentIds: readonly string[]): Promise<FaultMeasure> {
    const { links, rateLimitedShare } = this.options;
    const agents = this.named(agentIds);
    const paces = agents.flatMap(({ stretch }) => stretch ?? []);
    const [linkRoundTripMs, cutOffShare] = await Promise.all([
      agentIds.length === 0 ? (links?.roundTripMs() ?? null) : null,
      links?.cutOffShare(agents) ?? null,
    ]);
    return {
      linkRoundTripMs,
      rateLimitedShare: rateLimitedShare(),
      slowdown: paces.length === 0 ? null : paces.reduce((sum, pace) => sum + pace, 0) / paces.length,
      cutOffShare,
    };
  }

  private end(pid: number): void {
    if (this.options.withDescendants) killWithDescendants(pid);
    else process.kill(pid, 'SIGKILL');
  }

  private async tell(): Promise<void> {
    await this.options.board.write('effects', this.note());
  }

  private named(agentIds: readonly string[]): AgentNote[] {
    const asked = new Set(agentIds);
    return this.options.fleet().agents.filter(({ id }) => asked.has(id));
  }

  private isOurs(pid: number, id: string): boolean {
    return isStartedWith(pid, { POD_NAME: id, RUN_ID: this.options.runId });
  }
}
