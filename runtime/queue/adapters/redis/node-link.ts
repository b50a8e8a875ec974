import { Redis } from 'ioredis';
import type { Clock } from '../../../kernel/clock.js';
import type { Patience } from './patience.js';
import { addressText, type RedisAddress, type RedisEndpoint } from './redis-endpoint.js';

/** A command and its arguments. */
export type Command = readonly [name: string, ...args: ReadonlyArray<string | number>];

/** What a server says of itself when a connection to it begins. */
export interface ServerFacts {
  /** Names the server's process: another one after every start. */
  readonly runId: string;
  readonly version: string;
  readonly clusterEnabled: boolean;
  readonly maxmemoryPolicy: string;
  readonly role: string;
  readonly connectedReplicas: number;
  /** host:port of the primary that a replica follows. */
  readonly primary: string;
}

export interface LinkOptions {
  readonly credentials: Pick<RedisEndpoint, 'username' | 'password' | 'tls'>;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly clock: Clock;
  /** Until a new connection can be used, ms. */
  readonly connectMs: number;
  /** Of the whole process: times below are stretched by it. */
  readonly patience: Patience;
  /** Where nodes are found that are not where they say they are: `host:port` → address. */
  readonly natMap: Readonly<Record<string, RedisAddress>>;
}

/** Why a connection was of no use. */
export type LinkFault = 'unreachable' | 'timeout' | 'refused' | 'loading' | 'closed';

/** No answer over a connection, which is gone with it. */
export class LinkFailure extends Error {
  override readonly name = 'LinkFailure';

  constructor(
    message: string,
    readonly fault: LinkFault,
    /** What was asked may have reached the server. */
    readonly sent: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * One connection to one node, from its beginning to its end: it is never opened again, so that whatever goes over it
 * goes to the very process whose `run_id` was read when it began. Nothing is queued while it is not open, nothing is
 * sent twice, and a request without an answer in its time ends it: what the server has not read by then it never will.
 */
export class NodeLink {
  /** Settles when the connection can be used. @throws LinkFailure */
  readonly ready: Promise<ServerFacts>;
  private readonly redis: Redis;
  private readonly clock: Clock;
  private readonly listeners: Array<() => void> = [];
  private greeted = false;
  private ended = false;
  private retiring = false;
  private underWay = 0;
  private lastError: Error | null = null;

  constructor(
    readonly address: RedisAddress,
    private readonly options: LinkOptions,
  ) {
    const { credentials, connectMs, natMap, clock, patience } = options;
    this.clock = clock;
    this.redis = new Redis({
      ...(natMap[addressText(address)] ?? address),
      ...(credentials.tls ? { tls: {} } : {}),
      lazyConnect: true,
      connectTimeout: patience.of(connectMs),
      // Who comes, its name and who is there are asked by this class: one round trip, and errors that are not lost.
      enableReadyCheck: false,
      disableClientInfo: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    this.redis.on('error', (error: Error) => {
      this.lastError = error;
    });
    this.redis.once('end', () => {
      this.end();
    });
    this.ready = this.greet();
    // Whoever is interested waits for it; nobody need be.
    this.ready.catch(() => undefined);
  }

  /** It has begun and not ended. */
  get usable(): boolean {
    return this.greeted && !this.ended && !this.retiring;
  }

  /** Requests without an answer so far. */
  get pending(): number {
    return this.underWay;
  }

  /** Calls back once when it has ended, whoever ended it. */
  onEnd(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Sends commands in one go and returns their answers in order, refusals as errors among them.
   * @throws LinkFailure when an answer is missing.
   */
  send(commands: readonly Command[], timeoutMs: number): Promise<unknown[]> {
    if (!this.usable) return Promise.reject(this.failure('closed', 'is closed', false));
    return this.carry(commands, timeoutMs);
  }

  /** Turns the connection into one that hears channels. @throws LinkFailure */
  async subscribe(channels: readonly string[], onMessage: (channel: string, message: string) => void): Promise<void> {
    if (this.redis.listenerCount('message') === 0) this.redis.on('message', onMessage);
    const [answer] = await this.send([['subscribe', ...channels]], this.options.connectMs);
    if (answer instanceof Error) throw this.failure('refused', answer.message, true, answer);
  }

  /** Ends it at once; a request under way fails. */
  destroy(): void {
    if (this.ended) return;
    // Undefined before ioredis has begun to connect.
    const stream = this.redis.stream as Redis['stream'] | undefined;
    if (stream === undefined) this.redis.disconnect();
    // A reset makes the server forget what it has received and not read; TLS has none.
    else if (stream.connecting || this.options.credentials.tls) stream.destroy();
    else stream.resetAndDestroy();
    this.end();
  }

  /** Ends it when the requests under way have their answers. */
  retire(): void {
    this.retiring = true;
    if (this.underWay === 0) this.destroy();
  }

  private async greet(): Promise<ServerFacts> {
    const { credentials, name, patience } = this.options;
    const connectMs = patience.of(this.options.connectMs);
    let late = false;
    const timer = this.clock.after(connectMs, () => {
      late = true;
      patience.inVain();
      this.destroy();
    });
    try {
      await this.redis.connect();
      const { username, password } = credentials;
      const auth: Command[] = password === null ? [] : [['AUTH', ...(username === null ? [] : [username]), password]];
      const answers = await this.carry([...auth, ['CLIENT', 'SETNAME', name], ['INFO']], connectMs);
      const refusal = answers.find((answer) => answer instanceof Error);
      if (refusal !== undefined) throw this.failure(faultOf(refusal), refusal.message, false, refusal);
      const facts = factsOf(String(answers.at(-1)));
      if (facts === null) throw this.failure('loading', 'LOADING it reads its files', false);
      this.greeted = true;
      return facts;
    } catch (error) {
      this.destroy();
      if (late) throw this.failure('timeout', `no answer within ${connectMs} ms`, false, error);
      if (error instanceof LinkFailure && error.fault !== 'closed') throw error;
      const cause = this.lastError ?? (error as Error);
      throw this.failure('unreachable', cause.message, false, cause);
    } finally {
      timer.cancel();
    }
  }

  private carry(commands: readonly Command[], usualMs: number): Promise<unknown[]> {
    const { patience } = this.options;
    const timeoutMs = patience.of(usualMs);
    return new Promise((resolve, reject) => {
      this.underWay += 1;
      const timer = this.clock.after(timeoutMs, () => {
        patience.inVain();
        reject(this.failure('timeout', `no answer within ${timeoutMs} ms`, true));
        this.destroy();
      });
      const settle = (answers: unknown[]): void => {
        timer.cancel();
        this.underWay -= 1;
        // ioredis says in the same way that a server has refused and that there was none.
        const broken = answers.find((answer) => answer instanceof Error && answer.name !== 'ReplyError');
        if (broken === undefined) {
          patience.answered();
          resolve(answers);
        } else reject(this.failure('closed', 'was closed before the answer', true, this.lastError ?? broken));
        if (this.retiring && this.underWay === 0) this.destroy();
      };
      const pipeline = this.redis.pipeline();
      for (const [name, ...args] of commands) pipeline.call(name, ...args);
      pipeline.exec().then(
        (results) => settle((results ?? []).map(([error, value]) => error ?? value)),
        (error: unknown) => settle([error]),
      );
    });
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const listener of this.listeners.splice(0)) listener();
  }

  private failure(fault: LinkFault, message: string, sent: boolean, cause?: unknown): LinkFailure {
    return new LinkFailure(`Redis at ${addressText(this.address)}: ${message}`, fault, sent, { cause });
  }
}

function faultOf({ message }: Error): LinkFault {
  return message.startsWith('LOADING') ? 'loading' : 'refused';
}

/** Null while the server does not serve yet. */
function factsOf(info: string): ServerFacts | null {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  if (field('loading') === '1') return null;
  return {
    runId: field('run_id'),
    version: field('redis_version'),
    clusterEnabled: field('cluster_enabled') === '1',
    maxmemoryPolicy: field('maxmemory_policy'),
    role: field('role'),
    connectedReplicas: Number(field('connected_slaves')),
    primary: `${field('master_host')}:${field('master_port')}`,
  };
}
