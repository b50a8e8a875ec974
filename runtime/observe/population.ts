/** L = λW: what is in the system on average against how much arrives and how long it stays (Little 1961). */
export interface LittlesLaw {
  /** Mean number of tasks in the system, from its transitions. */
  readonly L: number;
  readonly lambdaPerMs: number;
  /** Mean stay, from the tasks' own timestamps, ms. */
  readonly W: number;
  /** |L − λW| ÷ L; 0 for an empty system. */
  readonly error: number;
}

interface PopulationState {
  entered: number;
  inside: number;
  lastChangeAt: number;
  /** Integral of the number inside, tasks × ms. */
  areaMs: number;
  /** Stays of those that have left, ms. */
  stayMs: number;
  /** Sum over those inside of when they were scheduled, ms from the start. */
  scheduledMs: number;
}

export type PopulationJson = Readonly<PopulationState>;

/**
 * The tasks in the system, counted in two ways that have to agree: by when the queue took them in and let them go,
 * and by how long each stayed from its scheduled time on. A delay on the way in, or a task that gets lost, shows.
 */
export class Population {
  private state: PopulationState;

  constructor(private readonly startedAt: number) {
    this.state = { entered: 0, inside: 0, lastChangeAt: startedAt, areaMs: 0, stayMs: 0, scheduledMs: 0 };
  }

  enters(scheduledAt: number, at: number): void {
    this.changes(at, 1);
    this.state.entered += 1;
    this.state.scheduledMs += scheduledAt - this.startedAt;
  }

  leaves(scheduledAt: number, at: number): void {
    this.changes(at, -1);
    this.state.stayMs += at - scheduledAt;
    this.state.scheduledMs -= scheduledAt - this.startedAt;
  }

  /** From the start until `endedAt`; what is still inside counts with its stay so far. */
  littlesLaw(endedAt: number): LittlesLaw {
    const { entered, inside, lastChangeAt, areaMs, stayMs, scheduledMs } = this.state;
    const elapsed = endedAt - this.startedAt;
    if (entered === 0 || elapsed <= 0) return { L: 0, lambdaPerMs: 0, W: 0, error: 0 };
    const L = (areaMs + inside * Math.max(0, endedAt - lastChangeAt)) / elapsed;
    const lambdaPerMs = entered / elapsed;
    const W = (stayMs + inside * elapsed - scheduledMs) / entered;
    return { L, lambdaPerMs, W, error: L > 0 ? Math.abs(L - lambdaPerMs * W) / L : 0 };
  }

  toJSON(): PopulationJson {
    return { ...this.state };
  }

  restore(json: PopulationJson): void {
    this.state = { ...json };
  }

  private changes(at: number, by: number): void {
    const { state } = this;
    state.areaMs += state.inside * (at - state.lastChangeAt);
    state.lastChangeAt = at;
    state.inside += by;
  }
}
