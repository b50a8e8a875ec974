import type { Clock } from '../../../kernel/clock.js';
import type { DriverRequest, Exchanged, LogCursor, LogEntry, PartitionStore } from './store.js';

/**
 * A longer way to the partitions: every message takes `delayMs` more in each direction. What a network_delay fault
 * acts on where the queue's driver is in the same process; reading logs is not delayed, it is the monitor's way.
 */
export class DelayedStore implements PartitionStore {
  /** One way, ms. */
  delayMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly store: PartitionStore,
  ) {}

  get partitions(): number {
    return this.store.partitions;
  }

  async exchange(partition: number, request: DriverRequest, waitForReplica: boolean): Promise<Exchanged> {
    await this.delay();
    const answer = await this.store.exchange(partition, request, waitForReplica);
    await this.delay();
    return answer;
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.delay();
    await this.store.publish(channel, message);
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    await this.store.subscribe(channel, (message) => {
      if (this.delayMs === 0) onMessage(message);
      else this.clock.after(this.delayMs, () => onMessage(message));
    });
  }

  resubscribe(): Promise<void> {
    return this.store.resubscribe();
  }

  readLog(partition: number, after: LogCursor, limit: number): Promise<readonly LogEntry[]> {
    return this.store.readLog(partition, after, limit);
  }

  trimLog(partition: number, upTo: LogCursor): Promise<void> {
    return this.store.trimLog(partition, upTo);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async delay(): Promise<void> {
    if (this.delayMs > 0) await this.clock.sleep(this.delayMs);
  }
}
