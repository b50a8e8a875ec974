/** What availability is made of. */
export interface Availability {
  /** Canaries sent whose time is up or who were answered. */
  readonly canaries: number;
  readonly answered: number;
  readonly withinTarget: number;
}

export interface CanaryJson {
  readonly sent: number;
  readonly answered: number;
  readonly within: number;
  /** Send times of the canaries that may still be answered in time. */
  readonly pending: ReadonlyArray<readonly [index: number, sentAt: number]>;
}

/** Counts the one-second canary requests and those answered within `targetMs`. */
export class CanaryTally {
  private sentCount = 0;
  private answeredCount = 0;
  private within = 0;
  /** Canaries that may still be answered in time, in the order in which they were sent. */
  private readonly pending = new Map<number, number>();

  constructor(private readonly targetMs: number) {}

  sent(index: number, at: number): void {
    this.sentCount += 1;
    for (const [older, sentAt] of this.pending) {
      if (at - sentAt <= this.targetMs) break;
      this.pending.delete(older);
    }
    this.pending.set(index, at);
  }

  /** Says whether the answer came in time. */
  answered(index: number, sentAt: number, at: number): boolean {
    this.answeredCount += 1;
    this.pending.delete(index);
    const inTime = at - sentAt <= this.targetMs;
    if (inTime) this.within += 1;
    return inTime;
  }

  /** At the end of the run: canaries that still had time to be answered say nothing, for or against. */
  summary(endedAt: number): Availability {
    let undecided = 0;
    for (const sentAt of this.pending.values()) if (endedAt - sentAt < this.targetMs) undecided += 1;
    return { canaries: this.sentCount - undecided, answered: this.answeredCount, withinTarget: this.within };
  }

  toJSON(): CanaryJson {
    const { sentCount, answeredCount, within } = this;
    return { sent: sentCount, answered: answeredCount, within, pending: [...this.pending] };
  }

  restore(json: CanaryJson): void {
    this.sentCount = json.sent;
    this.answeredCount = json.answered;
    this.within = json.within;
    this.pending.clear();
    for (const [index, sentAt] of json.pending) this.pending.set(index, sentAt);
  }
}
