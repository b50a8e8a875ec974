import type { Clock, Timer } from '../kernel/clock.js';
import type { EventSink } from '../observe/events.js';
import { Coordinator } from './coordinator.js';
import type { Duty, LeaderLease } from './port.js';

export interface CouncilOptions {
  readonly replicas: number;
  /** From a kill until the replica is back, as standby. */
  readonly restartMs: number;
  readonly clock: Clock;
  readonly lease: LeaderLease;
  readonly duties: readonly Duty[];
  readonly events: EventSink;
  readonly onError: (error: unknown) => void;
}

/** The coordinator replicas of one process; stands in for the Deployment that keeps three of them alive. */
export class Council {
  private readonly coordinators: Coordinator[];
  private readonly restarts = new Map<Coordinator, Timer>();

  constructor(private readonly options: CouncilOptions) {
    const { replicas, clock, lease, duties, events, onError } = options;
    let previous: string | null = null;
    const named: EventSink = (event) => {
      if (event.type !== 'leader') {
        events(event);
        return;
      }
      events({ ...event, previous });
      previous = event.replica;
    };
    this.coordinators = Array.from(
      { length: replicas },
      (_, i) => new Coordinator({ replica: `coordinator-${i + 1}`, clock, lease, duties, events: named, onError }),
    );
  }

  start(): void {
    for (const coordinator of this.coordinators) coordinator.start();
  }

  stop(): void {
    for (const restart of this.restarts.values()) restart.cancel();
    this.restarts.clear();
    for (const coordinator of this.coordinators) coordinator.stop();
  }

  leader(): string | null {
    return this.coordinators.find((coordinator) => coordinator.isLeader)?.replica ?? null;
  }

  get alive(): number {
    return this.coordinators.filter((coordinator) => coordinator.isAlive).length;
  }

  /** Kills the leader without a word; answers its name, null when nobody leads. */
  killLeader(): string | null {
    const leader = this.coordinators.find((coordinator) => coordinator.isLeader);
    if (leader === undefined) return null;
    leader.kill();
    const restart = this.options.clock.after(this.options.restartMs, () => {
      this.restarts.delete(leader);
      leader.start();
    });
    this.restarts.set(leader, restart);
    return leader.replica;
  }
}
