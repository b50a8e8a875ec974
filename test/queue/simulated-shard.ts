import type { Clock, Timer } from '../../runtime/kernel/clock.js';
import type { ExchangeReply, ExchangeRequest } from '../../runtime/queue/adapters/redis/messages.js';
import { Partition } from '../../runtime/queue/adapters/redis/partition.js';
import type { PartitionRules } from '../../runtime/queue/adapters/redis/partition-rules.js';
import type { LogCursor, LogEntry } from '../../runtime/queue/adapters/redis/store.js';

/** Until the cluster takes a silent node for failed, ms. */
const NODE_TIMEOUT_MS = 2_000;
/** How long WAIT waits for a replica, ms. */
export const WAIT_MS = 300;
/** Between looks of the other nodes at one that is in trouble, ms. */
const LOOK_MS = 50;

/** What is written, and so passed on to the replica. */
type Write = { readonly request: ExchangeRequest; readonly at: number } | { readonly trim: LogCursor };

/** A copy of one partition with its log, as one server has it. */
class Copy {
  entries: LogEntry[] = [];
  private epoch = 0;
  private written = 0;
  private lastId = 0;

  constructor(readonly state: Partition) {}

  exchange(request: ExchangeRequest, at: number): ExchangeReply {
    const reply = this.state.exchange(request, at);
    for (const { epoch, events } of this.state.log.splice(0)) {
      this.written = epoch === this.epoch ? this.written + 1 : 1;
      this.epoch = epoch;
      // As a stream's: by the server's time.
      this.lastId = Math.max(this.lastId + 1, at * 1_000);
      this.entries.push({ id: String(this.lastId), epoch, number: this.written, events });
    }
    return reply;
  }

  read(after: LogCursor, limit: number): LogEntry[] {
    const { entries } = this;
    let from = entries.length;
    while (from > 0 && isAfter(entries[from - 1] as LogEntry, after)) from -= 1;
    return entries.slice(from, from + limit);
  }

  trim(upTo: LogCursor): void {
    this.entries = this.entries.filter((entry) => isAfter(entry, upTo));
  }

  clone(): Copy {
    const copy = new Copy(this.state.clone());
    copy.entries = [...this.entries];
    copy.epoch = this.epoch;
    copy.written = this.written;
    copy.lastId = this.lastId;
    return copy;
  }
}

const isAfter = ({ epoch, id }: LogEntry, after: LogCursor): boolean =>
  epoch > after.epoch || (epoch === after.epoch && Number(id) > Number(after.id));

/** A server process. What it thinks of itself may be out of date. */
export class Server {
  readonly copies = new Map<number, Copy>();
  alive = true;
  frozen = false;
  /** Cut off from the other nodes, not from clients. */
  isolated = false;
  primary: boolean;
  /** Its replica's connection; what is pending has not arrived there. */
  link: { readonly replica: Server; pending: Array<readonly [offset: number, partition: number, Write]> } | null = null;
  offset = 0;
  acknowledged = 0;
  /** What arrived while it was stopped. */
  private readonly inbox: Array<() => void> = [];

  constructor(
    readonly runId: string,
    primary: boolean,
    /** How far its clock is off, ms. */
    readonly skewMs: number,
    private readonly rules: PartitionRules,
  ) {
    this.primary = primary;
  }

  /** Does what has arrived, once the process runs. */
  arrive(run: () => void): void {
    if (this.frozen) this.inbox.push(run);
    else run();
  }

  thaw(): void {
    this.frozen = false;
    for (const run of this.inbox.splice(0)) run();
  }

  copy(partition: number): Copy {
    let copy = this.copies.get(partition);
    if (copy === undefined) {
      copy = new Copy(new Partition(this.rules));
      this.copies.set(partition, copy);
    }
    return copy;
  }

  apply(partition: number, write: Write): ExchangeReply | null {
    const copy = this.copy(partition);
    if ('trim' in write) {
      copy.trim(write.trim);
      return null;
    }
    return copy.exchange(write.request, write.at);
  }

  write(partition: number, write: Write): ExchangeReply | null {
    const reply = this.apply(partition, write);
    this.offset += 1;
    this.link?.pending.push([this.offset, partition, write]);
    return reply;
  }

  /** The replica gets what was written up to the offset; then it has acknowledged it. */
  replicate(upTo: number): void {
    const { link } = this;
    if (link === null || !this.reaches(link.replica)) return;
    let next = link.pending[0];
    while (next !== undefined && next[0] <= upTo) {
      link.pending.shift();
      link.replica.apply(next[1], next[2]);
      next = link.pending[0];
    }
    this.acknowledged = Math.max(this.acknowledged, Math.min(upTo, this.offset));
  }

  reaches(other: Server): boolean {
    return [this, other].every(({ alive, frozen, isolated }) => alive && !frozen && !isolated);
  }
}

/**
 * A primary and its replica with the partitions whose slots they have, as a Redis Cluster treats them: writes reach
 * the replica a little later, a replica is promoted after the node timeout without what had not reached it, a server
 * that was stopped or cut off takes itself for the primary until it hears otherwise, one that is started again has
 * nothing, and a replica copies whatever its primary has – also when that is nothing.
 */
export class Shard {
  /** Whom the other nodes take for the owner of the slots. */
  owner: Server;
  replica: Server | null;
  /** No client reaches either. */
  unreachable = false;
  private ownerBadSince: number | null = null;
  private replicaBadSince: number | null = null;
  private watching: Timer | null = null;
  private electionMs = 0;
  private started = 0;

  constructor(
    private readonly name: string,
    private readonly clock: Clock,
    private readonly rules: PartitionRules,
    private readonly random: () => number,
  ) {
    this.owner = this.start(true);
    this.replica = this.start(false);
    this.owner.link = { replica: this.replica, pending: [] };
  }

  /** Everything is as it should be, so far as a client can tell. */
  get healthy(): boolean {
    const { owner, replica, unreachable } = this;
    return !unreachable && owner.link !== null && replica !== null && owner.reaches(replica);
  }

  /** The others agree: this server is the owner, and it has no replica. */
  alone(server: Server): boolean {
    if (this.owner !== server || server.isolated) return false;
    return this.replica === null || (this.replicaBadSince !== null && this.badFor(this.replicaBadSince));
  }

  // ---- faults -----------------------------------------------------------------------------------------------------

  /** The replica stands still for so long. */
  stallReplica(ms: number): void {
    const { replica } = this;
    if (replica === null || replica.frozen) return;
    replica.frozen = true;
    this.watch();
    this.clock.after(ms, () => {
      this.thaw(replica);
    });
  }

  /** The primary's process ends; it is started again after so long, with nothing in it. */
  killPrimary(restartMs: number): void {
    const lost = this.owner;
    lost.alive = false;
    this.watch();
    this.clock.after(restartMs, () => {
      if (this.owner !== lost) this.join();
      else this.startEmpty();
    });
  }

  /** The primary stands still for so long; requests wait in its sockets. */
  freezePrimary(ms: number): void {
    const stopped = this.owner;
    if (stopped.frozen) return;
    stopped.frozen = true;
    this.watch();
    this.clock.after(ms, () => {
      this.thaw(stopped);
    });
  }

  /** The primary and its clients lose sight of the other nodes for so long. */
  isolatePrimary(ms: number): void {
    const { owner } = this;
    owner.isolated = true;
    this.watch();
    // It takes itself for the primary until it has noticed, which may be later than its replica's promotion.
    this.clock.after(NODE_TIMEOUT_MS + 500 + this.random() * 1_000, () => {
      if (owner.isolated) owner.primary = false;
    });
    this.clock.after(ms, () => {
      owner.isolated = false;
      if (this.owner === owner) owner.primary = true;
      else this.learn(owner);
    });
  }

  /** No client reaches the shard for so long. */
  cutOff(ms: number): void {
    this.unreachable = true;
    this.clock.after(ms, () => {
      this.unreachable = false;
    });
  }

  // ---- what nodes do by themselves --------------------------------------------------------------------------------

  private thaw(server: Server): void {
    server.thaw();
    if (!server.primary && this.owner.link?.replica === server) this.owner.replicate(Infinity);
    else if (server !== this.owner) this.learn(server);
  }

  /** A former primary hears after a while that it is none any more. */
  private learn(former: Server): void {
    this.clock.after(5 + this.random() * 1_500, () => {
      if (this.owner === former || !former.alive) return;
      former.primary = false;
      former.link = null;
      this.follow(former);
    });
  }

  private startEmpty(): void {
    const { replica } = this;
    this.owner = this.start(true);
    this.ownerBadSince = null;
    if (replica !== null) this.follow(replica);
  }

  private join(): void {
    this.follow(this.start(false));
  }

  /** Copies everything from the owner and then follows it. */
  private follow(server: Server): void {
    if (this.replica !== null && this.replica !== server && this.replica.alive) return;
    if (this.replica !== server) this.replicaBadSince = null;
    this.replica = server;
    this.watch();
    this.clock.after(50 + this.random() * 1_000, () => {
      this.copyAll(server);
    });
  }

  private copyAll(server: Server): void {
    if (this.replica !== server || this.owner.link?.replica === server) return;
    const { owner } = this;
    if (!owner.reaches(server)) {
      if (server.alive) this.clock.after(100, () => this.copyAll(server));
      return;
    }
    server.copies.clear();
    for (const [partition, copy] of owner.copies) server.copies.set(partition, copy.clone());
    owner.link = { replica: server, pending: [] };
    owner.acknowledged = owner.offset;
  }

  private watch(): void {
    if (this.watching !== null) return;
    this.electionMs = 300 + this.random() * 700;
    this.watching = this.clock.every(LOOK_MS, () => {
      this.look();
    });
  }

  private look(): void {
    const { owner, replica } = this;
    const bad = ({ alive, frozen, isolated }: Server): boolean => !alive || frozen || isolated;
    const now = this.clock.now();
    this.ownerBadSince = bad(owner) ? (this.ownerBadSince ?? now) : null;
    this.replicaBadSince = replica !== null && bad(replica) ? (this.replicaBadSince ?? now) : null;
    if (this.ownerBadSince !== null && this.badFor(this.ownerBadSince, this.electionMs)) this.promote();
    if (!this.healthy || this.unreachable) return;
    this.watching?.cancel();
    this.watching = null;
  }

  private badFor(since: number, more = 0): boolean {
    return this.clock.now() - since > NODE_TIMEOUT_MS + more;
  }

  private promote(): void {
    const { owner: former, replica } = this;
    // One that has never followed this primary is no candidate: nobody knows how old what it has is.
    if (replica === null || former.link?.replica !== replica) return;
    if (!replica.alive || replica.frozen || replica.isolated) return;
    replica.primary = true;
    former.link = null;
    this.owner = replica;
    this.replica = null;
    this.ownerBadSince = null;
    if (former.alive && !former.frozen && !former.isolated) this.learn(former);
  }

  private start(primary: boolean): Server {
    this.started += 1;
    return new Server(`${this.name}-${this.started}`, primary, (this.random() - 0.5) * 200, this.rules);
  }
}
