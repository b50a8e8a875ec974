import { addressText, type RedisAddress } from './redis-endpoint.js';
import { LinkFailure, NodeLink, type Command, type LinkOptions, type ServerFacts } from './node-link.js';

/** A connection that nobody has used for so long is closed, ms. */
const IDLE_MS = 15_000;

/** A node that could not be reached is left alone for so long, ms. */
const AFTER_FAILURE_MS = 200;

interface Entry {
  readonly link: NodeLink;
  usedAt: number;
}

/**
 * Connections for what is not an exchange – questions about the cluster, messages, logs – made when they are needed
 * and closed when they are not.
 */
export class NodeDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly failedAt = new Map<string, { readonly at: number; readonly error: LinkFailure }>();
  private closed = false;

  constructor(private readonly options: LinkOptions) {}

  /**
   * Asks a node.
   * @throws LinkFailure when there is no answer in time.
   */
  async ask(address: RedisAddress, commands: readonly Command[], timeoutMs: number): Promise<unknown[]> {
    const link = await this.reach(address);
    return link.send(commands, timeoutMs);
  }

  /** What a node said of itself when the connection to it began. @throws LinkFailure */
  async facts(address: RedisAddress): Promise<ServerFacts> {
    return (await this.reach(address)).ready;
  }

  /** Closes what has not been used lately. */
  tidy(): void {
    const before = this.options.clock.now() - IDLE_MS;
    for (const [key, { link, usedAt }] of this.entries) {
      if (usedAt >= before) continue;
      this.entries.delete(key);
      link.retire();
    }
  }

  close(): void {
    this.closed = true;
    for (const { link } of this.entries.values()) link.destroy();
  }

  private async reach(address: RedisAddress): Promise<NodeLink> {
    const key = addressText(address);
    const now = this.options.clock.now();
    let entry = this.entries.get(key);
    if (entry === undefined) {
      const failed = this.failedAt.get(key);
      if (this.closed) throw new LinkFailure('the store is closed', 'closed', false);
      if (failed !== undefined && now - failed.at < AFTER_FAILURE_MS) throw failed.error;
      entry = this.open(key, address, now);
    }
    entry.usedAt = now;
    try {
      await entry.link.ready;
    } catch (error) {
      if (error instanceof LinkFailure) this.failedAt.set(key, { at: this.options.clock.now(), error });
      throw error;
    }
    this.failedAt.delete(key);
    return entry.link;
  }

  private open(key: string, address: RedisAddress, now: number): Entry {
    const entry = { link: new NodeLink(address, this.options), usedAt: now };
    this.entries.set(key, entry);
    entry.link.onEnd(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry;
  }
}
