import { Redis } from 'ioredis';
import { REDIS_USERS } from '../../../infra/redis-config.js';
import { type RedisSettings, writeConfig } from './config.js';
import { freePorts } from './ports.js';
import { type EngineProcess, ProcessGroup } from './process-group.js';
import { until } from './until.js';

/** Longest wait for an answer to the harness's own commands, ms: a stopped process answers nothing. */
const ANSWER_MS = 1_000;

const START_MS = 10_000;

/** One redis-server on 127.0.0.1. */
export class RedisServer {
  readonly host = '127.0.0.1';
  readonly name: string;
  readonly port: number;
  readonly #process: EngineProcess;
  readonly #options: RedisSettings;
  #connection: Redis | undefined;

  constructor(group: ProcessGroup, name: string, port: number, options: RedisSettings) {
    this.name = name;
    this.port = port;
    this.#options = options;
    this.#process = group.add(name, 'redis-server', ['redis.conf']);
    writeConfig(this.#process.folder, port, options);
  }

  /** `host:port`, as redirects and ioredis' natMap have it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  get running(): boolean {
    return this.#process.running;
  }

  get stalled(): boolean {
    return this.#process.stalled;
  }

  /** Where its files are. */
  get folder(): string {
    return this.#process.folder;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Starts the process, again where it was killed, and waits until it serves what its files held. */
  async start(): Promise<void> {
    this.#process.start();
    await until(
      `redis-server ${this.name} answers`,
      START_MS,
      async () => !this.running || (await this.call('PING')) === 'PONG',
      () => this.#process.log(),
    );
    if (!this.running) throw new Error(`redis-server ${this.name} has ended:\n${this.#process.log()}`);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process.kill();
    this.#disconnect();
  }

  /** SIGTERM: it writes its files first. */
  async stop(): Promise<void> {
    await this.#process.stop();
    this.#disconnect();
  }

  /** SIGSTOP: connections stay open, nothing is answered. */
  stall(): void {
    this.#process.stall();
  }

  resume(): void {
    this.#process.resume();
  }

  /** Sends a command as the most powerful user there is. @throws Error when it is refused or not answered in 1 s. */
  async call(command: string, ...args: ReadonlyArray<string | number>): Promise<unknown> {
    return this.#connect().call(command, ...args);
  }

  /** Fields of a section of INFO, or of CLUSTER INFO (`cluster_info`). */
  async info(
    section: 'replication' | 'memory' | 'stats' | 'server' | 'cpu' | 'cluster_info',
  ): Promise<Map<string, string>> {
    const text = section === 'cluster_info' ? await this.call('CLUSTER', 'INFO') : await this.call('INFO', section);
    const fields = String(text)
      .split(/\r?\n/)
      .flatMap((line) => (line.includes(':') ? [line] : []));
    return new Map(fields.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  }

  /** The last lines of its log. */
  log(): string {
    return this.#process.log();
  }

  #connect(): Redis {
    if (this.#connection === undefined || this.#connection.status === 'end') {
      const { users, password } = this.#options;
      this.#connection = new Redis({
        host: this.host,
        port: this.port,
        ...(users === undefined ? {} : { username: REDIS_USERS.admin, password: users.admin }),
        ...(password === undefined ? {} : { password }),
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
        commandTimeout: ANSWER_MS,
        connectTimeout: ANSWER_MS,
        enableReadyCheck: false,
      });
      // The command that was sent fails, that is enough.
      this.#connection.on('error', () => undefined);
    }
    return this.#connection;
  }

  /** Lets go of the harness's own connection. */
  disconnect(): void {
    this.#disconnect();
  }

  #disconnect(): void {
    this.#connection?.disconnect();
    this.#connection = undefined;
  }
}

/** A Redis that is no cluster; `dispose` ends it. */
export interface SingleRedis {
  readonly server: RedisServer;
  dispose(): Promise<void>;
}

/** Starts a single redis-server with the deployed settings and those of the test. */
export async function startSingleRedis(options: Omit<RedisSettings, 'cluster'> = {}): Promise<SingleRedis> {
  const [port = 0] = await freePorts(1);
  const group = new ProcessGroup();
  const server = new RedisServer(group, 'single', port, options);
  const dispose = async (): Promise<void> => {
    server.disconnect();
    await group.dispose();
  };
  try {
    await server.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return { server, dispose };
}
