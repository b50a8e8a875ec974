import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { RedisLease } from '../../../runtime/coordinator/adapters/redis-lease.js';
import { RedisLeaseServer } from '../../../runtime/coordinator/adapters/redis-lease-server.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import { LoadGenerator } from '../../../runtime/load/generator.js';
import { identityHolds } from '../../../runtime/observe/audit.js';
import type { RedisQueue } from '../../../runtime/queue/adapters/redis/redis-queue.js';
import type { RedisStore } from '../../../runtime/queue/adapters/redis/redis-store.js';
import { leaseKey, openQueue } from '../../../runtime/roles/open-queue.js';
import type { Experiment } from '../../../runtime/spec/experiment.js';
import { bundledRole } from '../../roles/bundled.js';
import { RedisCluster } from '../harness/cluster.js';
import { Proxies } from '../harness/proxies.js';
import type { RedisServer } from '../harness/server.js';
import { until } from '../harness/until.js';
import { RoleProcess } from './role-process.js';
import { quantile, Watch } from './watch.js';

/** How long a replica has missed everything when its primary ends; below the cluster's timeout. */
const STALLED_MS = 1_500;

/** Processes started at a time. */
const STARTED_TOGETHER = 4;

export interface TrialOptions {
  readonly experiment: Experiment;
  /** False = without WAIT and without reconciliation, to see what they are for. */
  readonly durable?: boolean;
}

/** What a trial came to. Times in ms. */
export interface TrialFigures {
  readonly tasks: number;
  readonly completed: number;
  readonly lost: number;
  readonly doubleCounted: number;
  /** Tasks that ran again though nothing had happened to the agent that had them. */
  readonly rerunWithoutCause: number;
  readonly killedAgentsTasks: number;
  readonly runningAgainP99Ms: number;
  readonly responseP99Ms: number;
  readonly primaryLossMs: readonly number[];
  readonly leaderLossMs: readonly number[];
  readonly missedLogEntries: number;
}

interface Kill {
  readonly at: number;
  readonly agent: string;
  readonly held: readonly number[];
}

/** A fleet of processes on a real cluster, under load, to be broken. */
export class Trial {
  readonly cluster: RedisCluster;
  readonly proxies: Proxies;
  readonly queue: RedisQueue;
  readonly store: RedisStore;
  readonly watch: Watch;
  readonly agents: RoleProcess[] = [];
  readonly coordinators: RoleProcess[] = [];
  readonly clock = new RealClock();
  private readonly generator: LoadGenerator;
  private readonly kills: Kill[] = [];
  /** Agents that could not reach Redis, and when. */
  private readonly outages: Array<{ readonly from: number; to: number }> = [];
  private readonly primaryLossMs: number[] = [];
  private readonly leaderLossMs: number[] = [];
  private identityBroken: string | null = null;
  private readonly lease: RedisLease;
  private readonly leaseConnection: Cluster;

  private constructor(
    private readonly options: TrialOptions,
    private readonly folder: string,
    private readonly files: { readonly agent: string; readonly coordinator: string },
    readonly run: string,
    parts: Pick<Trial, 'cluster' | 'proxies' | 'queue' | 'store' | 'watch'>,
  ) {
    this.cluster = parts.cluster;
    this.proxies = parts.proxies;
    this.queue = parts.queue;
    this.store = parts.store;
    this.watch = parts.watch;
    this.leaseConnection = new Cluster([...this.cluster.addresses]);
    const server = new RedisLeaseServer(this.leaseConnection, leaseKey(run));
    this.lease = new RedisLease({ server, clock: this.clock, incarnation: 0 });
    this.generator = new LoadGenerator({
      experiment: options.experiment,
      clock: this.clock,
      queue: this.queue,
      journal: { sent: () => undefined, answered: () => undefined, unknown: () => undefined },
      events: () => undefined,
      onFinished: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
  }

  static async open(options: TrialOptions): Promise<Trial> {
    const folder = mkdtempSync(join(tmpdir(), 'trial-'));
    const files = bundles(folder);
    mkdirSync(join(folder, 'journals'));
    writeFileSync(join(folder, 'spec.json'), JSON.stringify(options.experiment));
    const cluster = await RedisCluster.start();
    const proxies = await Proxies.before(cluster.nodes);
    const run = `trial-${randomUUID().slice(0, 8)}`;
    const watch = new Watch();
    const { queue, store } = await openQueue({
      redis: { nodes: cluster.addresses, username: null, password: null, tls: false },
      path: 'the cluster',
      cluster: true,
      run,
      experiment: options.experiment,
      driver: 'generator',
      clock: new RealClock(),
      observers: [watch],
      durable: options.durable ?? true,
      onError: (error) => {
        console.error(error);
      },
    });
    return new Trial(options, folder, files, run, { cluster, proxies, queue, store, watch });
  }

  /** Brings up coordinators and agents. */
  async deploy(): Promise<void> {
    const { fleet } = this.options.experiment;
    for (let i = 0; i < 3; i += 1) {
      const id = `coordinator-${i + 1}`;
      this.coordinators.push(new RoleProcess(id, this.files.coordinator, this.env(id, 'A', this.cluster.addresses)));
    }
    for (let i = 0; i < fleet.agents; i += 1) {
      const id = `agent-${String(i + 1).padStart(3, '0')}`;
      const zone = fleet.zones[i % fleet.zones.length] ?? 'A';
      this.agents.push(new RoleProcess(id, this.files.agent, this.env(id, zone, this.proxies.addresses)));
    }
    const roles = [...this.coordinators, ...this.agents];
    while (roles.length > 0) await Promise.all(roles.splice(0, STARTED_TOGETHER).map((role) => role.start()));
    await this.leader();
  }

  /** Sends the load, and does the plan's steps at their times (s after the beginning); ends when all is sent. */
  async carryOut(plan: ReadonlyArray<readonly [atSeconds: number, step: () => Promise<void>]>): Promise<void> {
    const began = this.clock.now();
    this.generator.start();
    const look = setInterval(() => {
      this.queue.counts().then((counts) => {
        if (!identityHolds(counts)) this.identityBroken ??= JSON.stringify(counts);
      }, console.error);
    }, 1_000);
    const steps = plan.map(async ([atSeconds, step]) => {
      await this.clock.sleep(began + atSeconds * 1_000 - this.clock.now());
      await step();
    });
    await Promise.all(steps);
    const left = began + this.options.experiment.durationMs - this.clock.now();
    if (left > 0) await this.clock.sleep(left);
    clearInterval(look);
  }

  /** Waits until everything has ended. */
  async drain(timeoutMs = 60_000): Promise<void> {
    await until(
      'everything has ended',
      timeoutMs,
      async () => {
        const { queued, leased } = await this.queue.counts();
        return queued + leased === 0 && this.generator.unanswered === 0;
      },
      async () => JSON.stringify(await this.queue.counts()),
    );
    await this.clock.sleep(500);
  }

  // ---- what is broken -----------------------------------------------------------------------------------------------

  /** kill -9 of a share of the agents; each is back after 2 s, as its pod would be. */
  async killAgents(share: number): Promise<void> {
    const running = this.agents.filter((agent) => agent.running);
    const count = Math.max(1, Math.round(running.length * share));
    const first = this.kills.length;
    const victims = Array.from(
      { length: count },
      (_, i) => running[(first * 7 + i * 3) % running.length] as RoleProcess,
    );
    for (const victim of new Set(victims)) {
      this.kills.push({ at: this.clock.now(), agent: victim.id, held: this.watch.heldBy(victim.id) });
      victim.kill();
    }
    await this.clock.sleep(2_000);
    await Promise.all([...new Set(victims)].map((victim) => victim.start()));
  }

  async killLeader(): Promise<void> {
    const leader = await this.leader();
    const victim = this.coordinators.find(({ id }) => id === leader) as RoleProcess;
    const at = this.clock.now();
    victim.kill();
    await until('another coordinator leads', 10_000, async () => {
      const holder = await this.lease.holder().catch(() => null);
      return holder !== null && holder.replica !== leader;
    });
    this.leaderLossMs.push(this.clock.now() - at);
    await victim.start();
  }

  /** Stalls the replica of a primary, kills the primary a moment later, and starts it again at once. */
  async restartPrimary(partition: number): Promise<void> {
    const { primary, replica } = await this.pair(partition);
    this.cluster.stall(replica);
    await this.clock.sleep(STALLED_MS);
    const at = this.clock.now();
    await this.cluster.kill(primary);
    this.cluster.resume(replica);
    // As a StatefulSet would: it is back before the others have missed it.
    await this.cluster.restart(primary);
    await this.recovered(partition, at);
  }

  /** The same, but it stays away until its replica has taken over, without what it never got. */
  async losePrimary(partition: number): Promise<void> {
    const { slot, primary, replica } = await this.pair(partition);
    this.cluster.stall(replica);
    await this.clock.sleep(STALLED_MS);
    const at = this.clock.now();
    await this.cluster.kill(primary);
    this.cluster.resume(replica);
    await this.cluster.waitPromoted(slot, primary);
    await this.cluster.restart(primary);
    await this.recovered(partition, at);
  }

  /** Stops a primary for a while; it is resumed when another has taken its place, and does not know it yet. */
  async stopPrimary(partition: number, ms: number): Promise<void> {
    const { primary } = await this.pair(partition);
    const at = this.clock.now();
    this.cluster.stall(primary);
    await this.clock.sleep(ms);
    this.cluster.resume(primary);
    await this.recovered(partition, at);
  }

  /** Agents and Redis do not reach each other. */
  async partition(ms: number): Promise<void> {
    const outage = { from: this.clock.now(), to: Infinity };
    this.outages.push(outage);
    await this.proxies.cut();
    await this.clock.sleep(ms);
    await this.proxies.heal();
    outage.to = this.clock.now();
  }

  // ---- figures ------------------------------------------------------------------------------------------------------

  async figures(): Promise<TrialFigures> {
    if (this.identityBroken !== null) throw new Error(`the ledger did not add up: ${this.identityBroken}`);
    const { watch } = this;
    const again = this.kills.flatMap(({ at, held }) =>
      held.map((index) => {
        const next = watch.starts.get(index)?.find((start) => start.at > at);
        return next === undefined ? NaN : this.withoutOutages(at, next.at);
      }),
    );
    const ran = again.filter((ms) => !Number.isNaN(ms));
    return {
      tasks: watch.accepted.size,
      completed: (await this.queue.counts()).completed,
      lost: watch.lost.length,
      doubleCounted: watch.doubleCounted.length + this.journalledTwice(),
      rerunWithoutCause: this.rerunWithoutCause().length,
      killedAgentsTasks: ran.length,
      runningAgainP99Ms: Math.round(quantile(ran, 0.99)),
      responseP99Ms: Math.round(quantile(watch.responseMs, 0.99)),
      primaryLossMs: this.primaryLossMs.map(Math.round),
      leaderLossMs: this.leaderLossMs.map(Math.round),
      missedLogEntries: this.queue.missedLogEntries,
    };
  }

  async dispose(): Promise<void> {
    for (const role of [...this.agents, ...this.coordinators]) role.kill();
    await this.queue.close();
    this.leaseConnection.disconnect();
    await this.proxies.dispose();
    await this.cluster.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Tasks with a second attempt whose earlier agent had not been killed. */
  rerunWithoutCause(): number[] {
    return [...this.watch.starts].flatMap(([index, starts]) => {
      const causeless = starts
        .slice(0, -1)
        .some(
          (start, i) =>
            !this.kills.some(
              ({ agent, at }) => agent === start.agent && at >= start.at - 100 && at <= (starts[i + 1]?.at ?? Infinity),
            ),
        );
      return causeless ? [index] : [];
    });
  }

  /** Tasks that the agents' journals have two successes of, where only one agent had been killed before its end. */
  private journalledTwice(): number {
    const folder = join(this.folder, 'journals');
    const seen = new Map<number, Set<string>>();
    for (const file of readdirSync(folder)) {
      for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
        if (line === '') continue;
        const { index, attemptId } = JSON.parse(line) as { index: number; attemptId: string };
        seen.set(index, (seen.get(index) ?? new Set()).add(attemptId));
      }
    }
    const killed = new Set(this.kills.flatMap(({ held }) => held));
    return [...seen].filter(([index, attempts]) => attempts.size > 1 && !killed.has(index)).length;
  }

  private withoutOutages(from: number, to: number): number {
    let ms = to - from;
    for (const outage of this.outages) {
      const overlap = Math.min(to, outage.to) - Math.max(from, outage.from);
      if (overlap > 0) ms -= overlap;
    }
    return ms;
  }

  private async recovered(partition: number, at: number): Promise<void> {
    const mine = (index: number): boolean => index % this.queue.clients.length === partition;
    await until(
      `tasks of partition ${partition} start again`,
      30_000,
      async () => Promise.resolve(this.watch.firstStartAfter(at + 300, mine) !== null),
      async () => `${JSON.stringify([this.store.counters, this.queue.stats])}\n${await this.cluster.describe()}`,
    );
    this.primaryLossMs.push((this.watch.firstStartAfter(at + 300, mine) ?? NaN) + 300);
  }

  private async pair(partition: number): Promise<{ slot: number; primary: RedisServer; replica: RedisServer }> {
    const slot = await this.slotOf(partition);
    const primary = await this.cluster.primaryOf(slot);
    return { slot, primary, replica: await this.cluster.replicaOf(primary) };
  }

  private slotOf(partition: number): Promise<number> {
    return this.cluster.slotOf(`{${this.store.header.tags[partition] ?? ''}}`);
  }

  private async leader(): Promise<string> {
    const holder = await until('somebody leads', 10_000, () => this.lease.holder().catch(() => null));
    return holder.replica;
  }

  private env(id: string, zone: string, addresses: TrialAddresses): Record<string, string> {
    return {
      SPEC_FILE: join(this.folder, 'spec.json'),
      RUN_ID: this.run,
      POD_NAME: id,
      ZONE: zone,
      LOG_LEVEL: 'info',
      REDIS_NODES: addresses.map(({ host, port }) => `${host}:${port}`).join(','),
      REDIS_CLUSTER: 'true',
      JOURNAL_DIR: join(this.folder, 'journals'),
      ...(addresses === this.cluster.addresses ? {} : { REDIS_NAT_MAP: JSON.stringify(this.proxies.natMap) }),
      ...(this.options.durable === false ? { QUEUE_UNSAFE: 'true' } : {}),
    };
  }
}

type TrialAddresses = ReadonlyArray<{ readonly host: string; readonly port: number }>;

function bundles(folder: string): { agent: string; coordinator: string } {
  const made = { agent: join(folder, 'agent.cjs'), coordinator: join(folder, 'coordinator.cjs') };
  bundledRole('agent', 'runtime/roles/agent', made.agent);
  bundledRole('coordinator', 'runtime/roles/coordinator', made.coordinator);
  return made;
}
