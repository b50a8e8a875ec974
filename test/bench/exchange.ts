import { Redis } from 'ioredis';
import {
  decodeReply,
  encodeRequest,
  exchangeScript,
  leasesOf,
  partitionKeys,
} from '../../runtime/queue/adapters/redis/exchange.js';
import type {
  BeganOp,
  DoneOp,
  ExchangeRequest,
  LeaseRecord,
  SubmitOp,
} from '../../runtime/queue/adapters/redis/messages.js';
import type { PartitionRules } from '../../runtime/queue/adapters/redis/partition-rules.js';
import { startSingleRedis } from '../redis/harness/server.js';

/**
 * What the script of a partition costs: tasks through one redis-server by one connection (submit, lease, began and
 * finish, each in batches), and where the server's time goes. Prints JSON in its last line; times are µs of the server
 * per task, `share` of them by command, the rest being Lua's own.
 *
 *     npx tsx test/bench/exchange.ts [seconds]
 */
const SECONDS = Number(process.argv[2] ?? 3);
const RULES: PartitionRules = {
  bound: 1_000_000,
  maxAttempts: 3,
  backoff: { firstMs: 1_000, factor: 2, maxMs: 30_000 },
  leaseMs: 3_000,
  beatMs: 1_000,
  massExpiryShare: 0.2,
  admission: null,
  partitions: 12,
};
const PAYLOAD = JSON.stringify({
  issue: 270,
  repository: 'example/repository',
  branch: 'main',
  files: ['a.ts', 'b.ts'],
});

interface Load {
  /** Each has one request under way at a time. */
  readonly drivers: number;
  /** Tasks submitted with every request; those given out are begun with the next one and finished with the one after. */
  readonly batch: number;
  /** Agents of each driver. */
  readonly agents: number;
  /** Other agents that wait all the time. */
  readonly idle: number;
}

interface Figures extends Load {
  readonly tasksPerSecond: number;
  readonly requestsPerSecond: number;
  /** Processor time of the server's main thread, replication, writing of its file and network included. */
  readonly cpuUsPerTask: number;
  readonly scriptUs: { readonly perTask: number; readonly perRequest: number };
  readonly share: Readonly<Record<string, number>>;
}

type Stats = ReadonlyMap<string, { readonly calls: number; readonly usec: number }>;

async function statsOf(redis: Redis): Promise<Stats> {
  const lines = (await redis.info('commandstats')).matchAll(/cmdstat_([\w|]+):calls=(\d+),usec=(\d+)/g);
  return new Map([...lines].map(([, name = '', calls, usec]) => [name, { calls: Number(calls), usec: Number(usec) }]));
}

async function cpuUs(redis: Redis): Promise<number> {
  const lines = (await redis.info('cpu')).matchAll(/used_cpu_(?:sys|user)_main_thread:([\d.]+)/g);
  return [...lines].reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0);
}

class Driver {
  readonly name: string;
  private seq = 0;
  private next = 0;
  private beatAt = 0;
  private given: LeaseRecord[] = [];
  private begun: readonly LeaseRecord[] = [];
  private readonly limits = new Map<string, number>();

  constructor(
    private readonly load: Load,
    private readonly number: number,
  ) {
    this.name = `driver-${number}`;
  }

  first(): ExchangeRequest {
    const { agents, idle, batch } = this.load;
    const working = Array.from({ length: agents }, (_, i) => `agent-${this.number}-${i}`);
    const waiting = Array.from({ length: idle }, (_, i) => `idle-${this.number}-${i}`);
    for (const agent of working) this.limits.set(agent, Math.ceil((3 * batch) / agents));
    return {
      ...this.head(),
      attach: [...working, ...waiting].map((agent) => [agent, 1, 'zone-a'] as const),
      credit: [...this.limits, ...waiting.map((agent) => [agent, 1] as const)],
    };
  }

  request(): ExchangeRequest {
    const submit = Array.from({ length: this.load.batch }, (): SubmitOp => {
      this.next += 1;
      const index = (this.next * this.load.drivers + this.number) * RULES.partitions;
      return [index, [index % 4, 1, '1800000000000.25', PAYLOAD], '1800000000000.5', 1];
    });
    const finished = this.begun;
    this.begun = this.given;
    this.given = [];
    const began = this.begun.map(([, index, id]): BeganOp => [index, id, '1800000000001.25']);
    const done = finished.map(([, index, id]): DoneOp => [index, id, '1800000000001.25', '1800000000002.5']);
    const credit = new Map<string, number>();
    for (const [agent] of finished) {
      const limit = (this.limits.get(agent) ?? 0) + 1;
      this.limits.set(agent, limit);
      credit.set(agent, limit);
    }
    return { ...this.head(), submit, began, done, credit: [...credit], ...this.beat() };
  }

  /** All agents that work, twice a second. */
  private beat(): Pick<ExchangeRequest, 'beat'> {
    if (performance.now() - this.beatAt < RULES.beatMs / 2) return {};
    this.beatAt = performance.now();
    return { beat: [...this.limits.keys()] };
  }

  learn(leases: readonly LeaseRecord[]): void {
    this.given.push(...leases);
  }

  private head(): ExchangeRequest {
    this.seq += 1;
    return {
      driver: this.name,
      seq: this.seq,
      nonce: `${this.name}.3.${this.seq}.1`,
      owner: 'run',
      epoch: 0,
      known: '',
    };
  }
}

async function measure(redis: Redis, load: Load): Promise<Figures> {
  await redis.flushall();
  const sha = String(await redis.script('LOAD', exchangeScript(RULES)));
  const { prefix } = partitionKeys('bench', 'tag');
  const drivers = Array.from({ length: load.drivers }, (_, i) => new Driver(load, i));
  const send = async (driver: Driver, request: ExchangeRequest): Promise<number> => {
    const { leases, pushes } = decodeReply(await redis.evalsha(sha, 1, prefix, encodeRequest(request)), request.driver);
    driver.learn(leases);
    for (const [name, given] of pushes) {
      drivers.find((other) => other.name === name)?.learn(leasesOf(JSON.parse(given)));
    }
    return request.done?.length ?? 0;
  };
  for (const driver of drivers) {
    await send(driver, driver.first());
    for (let i = 0; i < 20; i++) await send(driver, driver.request());
  }
  await redis.call('CONFIG', 'RESETSTAT');
  const cpuBefore = await cpuUs(redis);
  const started = performance.now();
  let [tasks, requests] = [0, 0];
  const drive = async (driver: Driver): Promise<void> => {
    while (performance.now() - started < SECONDS * 1_000) {
      const done = await send(driver, driver.request());
      tasks += done;
      requests += 1;
    }
  };
  await Promise.all(drivers.map(drive));
  const seconds = (performance.now() - started) / 1_000;
  const cpu = (await cpuUs(redis)) - cpuBefore;
  const stats = await statsOf(redis);
  const script = stats.get('evalsha')?.usec ?? 0;
  const inside = [...stats].filter(([name]) => !/^(evalsha|config|info)/.test(name));
  const perTask = (usec: number): number => round(usec / tasks);
  const lua = script - inside.reduce((sum, [, { usec }]) => sum + usec, 0);
  return {
    ...load,
    tasksPerSecond: Math.round(tasks / seconds),
    requestsPerSecond: Math.round(requests / seconds),
    cpuUsPerTask: perTask(cpu),
    scriptUs: { perTask: perTask(script), perRequest: round(script / requests) },
    share: {
      lua: perTask(lua),
      ...Object.fromEntries(
        inside.sort((a, b) => b[1].usec - a[1].usec).map(([name, { usec }]) => [name, perTask(usec)]),
      ),
    },
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

const LOADS: readonly Load[] = [
  { drivers: 1, batch: 50, agents: 50, idle: 0 },
  { drivers: 10, batch: 50, agents: 5, idle: 0 },
  { drivers: 20, batch: 5, agents: 1, idle: 0 },
  { drivers: 20, batch: 1, agents: 1, idle: 0 },
  { drivers: 20, batch: 1, agents: 1, idle: 10 },
];

async function main(): Promise<void> {
  const single = await startSingleRedis();
  const redis = new Redis({ host: single.server.host, port: single.server.port });
  try {
    const figures: Figures[] = [];
    for (const load of LOADS) {
      const figure = await measure(redis, load);
      figures.push(figure);
      process.stderr.write(`${JSON.stringify(figure)}\n`);
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    redis.disconnect();
    await single.dispose();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
