import type { Clock, Timer } from '../../../kernel/clock.js';
import type { QueueRules } from '../../../spec/experiment.js';

/**
 * With so many agents in one process the partitions hear of them in turn: a beat of all at once everywhere would hold up
 * whatever comes at that moment. With few, waking up once costs less than waking up for each partition.
 */
const MANY = 16;

export interface BeatsOptions {
  readonly clock: Clock;
  readonly rules: QueueRules;
  readonly partitions: number;
  /** Agents of this process that are alive. */
  readonly agents: () => number;
  /** Tells these partitions who is alive; `late`: the process has stood still before. */
  readonly beat: (partitions: readonly number[], late: boolean) => void;
}

/** When a process says that its agents are alive: to each partition once in every beat. */
export class Beats {
  private timer: Timer | null = null;
  private beatAt: number;
  private turn = 0;

  constructor(private readonly options: BeatsOptions) {
    this.beatAt = options.clock.now();
  }

  start(): void {
    this.next();
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** A beat is long overdue: the process was stopped, and its leases may be somebody else's by now. */
  get overdue(): boolean {
    const { clock, rules } = this.options;
    return clock.now() - this.beatAt > Math.max(rules.leaseMs / 2, 2 * rules.beatMs);
  }

  private next(): void {
    const { clock, rules, partitions, agents, beat } = this.options;
    const spread = partitions > 1 && agents() > MANY;
    this.timer = clock.after(spread ? rules.beatMs / partitions : rules.beatMs, () => {
      this.next();
      const late = this.overdue;
      this.beatAt = clock.now();
      this.turn = (this.turn + 1) % partitions;
      // Whoever has stood still has to be heard everywhere at once.
      const all = Array.from({ length: partitions }, (_, partition) => partition);
      beat(spread && !late ? [this.turn] : all, late);
    });
  }
}
