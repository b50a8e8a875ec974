import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.js';
import { rangeOf, type RedisNode } from './cluster-slots.js';
import type { Command, NodeLink, ServerFacts } from './node-link.js';
import type { ClusterView, Topology } from './topology.js';

/**
 * `replicated`: a replica has it. `degraded`: there is no replica to have it, and this server owns the slot. `unknown`:
 * neither is certain.
 */
export type Durability = 'replicated' | 'degraded' | 'unknown';

export interface DurabilityOptions {
  readonly clock: Clock;
  readonly topology: Topology;
  readonly cluster: boolean;
  readonly slot: number;
  /** How long a replica is waited for, ms. */
  readonly waitMs: number;
  /** How long the others' word that there is no replica holds, ms; below the time in which one can be promoted. */
  readonly degradedMs: number;
  /** Until an answer to a question counts as none, ms. */
  readonly askMs: number;
}

/** A replica of a single server that has been silent for longer counts as gone, s. */
const SILENT_S = 10;

const role = z.tuple([
  z.literal('master'),
  z.coerce.number(),
  z.array(z.tuple([z.string(), z.string(), z.coerce.number()])),
]);

type Role = z.infer<typeof role>;

/**
 * Judges whether what was written over a connection will be there after a promotion. Normally WAIT tells. Where it
 * names no replica, the cluster's other members are asked whether this node owns the slot and has none; while that
 * holds, ROLE goes with each exchange instead of WAIT, which would hold it up, and tells when a replica is back.
 */
export class DurabilityJudge {
  /** Replication offset as of the latest verdict: a replica that has come this far is in step. */
  private offset = 0;
  private withoutReplica: boolean;
  private validUntil = 0;

  constructor(
    private readonly options: DurabilityOptions,
    private readonly link: NodeLink,
    private readonly node: RedisNode,
    facts: ServerFacts,
  ) {
    this.withoutReplica = facts.connectedReplicas === 0;
  }

  /** What to send behind a write, over its connection. */
  get command(): Command {
    return this.withoutReplica ? ['ROLE'] : ['WAIT', 1, this.options.waitMs];
  }

  /** What the answer to that command means; asks further where it must. */
  async judge(command: Command, answer: unknown): Promise<Durability> {
    if (answer instanceof Error) return 'unknown';
    if (command[0] === 'WAIT') return Number(answer) >= 1 ? 'replicated' : this.ask(await this.roleNow());
    const told = role.safeParse(answer).data ?? null;
    if (told === null) return 'unknown';
    const valid = this.options.clock.now() < this.validUntil;
    const inStep = told[2].some(([, , acknowledged]) => acknowledged >= this.offset);
    if (this.validUntil > 0 && inStep) this.withoutReplica = false;
    return valid ? 'degraded' : this.ask(told);
  }

  /** Null where the server is no primary any more. */
  private async roleNow(): Promise<Role | null> {
    const [answer] = await this.link.send([['ROLE']], this.options.askMs).catch(() => []);
    return role.safeParse(answer).data ?? null;
  }

  /** Asks whether there is a replica. */
  private async ask(told: Role | null): Promise<Durability> {
    if (told === null) return 'unknown';
    const [, offset, connected] = told;
    if (!(await (this.options.cluster ? this.othersAgree() : this.hasNone()))) {
      // With none connected there is nothing to wait for, only for the others to notice.
      this.withoutReplica = connected.length === 0;
      return 'unknown';
    }
    this.offset = offset;
    this.withoutReplica = true;
    this.validUntil = this.options.clock.now() + this.options.degradedMs;
    return 'degraded';
  }

  /** The primaries that answer, as many as make a majority with this one, know of no other owner and no replica. */
  private async othersAgree(): Promise<boolean> {
    const { topology, slot } = this.options;
    const alone = ({ ranges }: ClusterView): boolean => {
      const range = rangeOf(ranges, slot);
      return range?.primary.id === this.node.id && range.replicas.length === 0;
    };
    const views = await topology.viewsWithout(this.node);
    return views.length >= Math.max(1, Math.floor(topology.primaries.length / 2)) && views.every(alone);
  }

  /** A single server knows its replicas itself: nobody takes over from it. */
  private async hasNone(): Promise<boolean> {
    const [info] = await this.link.send([['INFO', 'replication']], this.options.askMs).catch(() => []);
    if (typeof info !== 'string' || !/^role:master/m.test(info)) return false;
    return ![...info.matchAll(/^slave\d+:.*state=online.*lag=(-?\d+)/gm)].some(([, lag]) => {
      const seconds = Number(lag);
      return seconds >= 0 && seconds <= SILENT_S;
    });
  }
}
