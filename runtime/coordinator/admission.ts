import { whenSettled } from '../kernel/eventually.js';
import { SECOND } from '../kernel/units.js';
import type { FleetSample } from '../agents/port.js';
import type { Lease, QueueObserver, SubmitOutcome, TaskQueue, AgentIdentity, FinishOutcome } from '../queue/port.js';
import type { AttemptResult, Task } from '../queue/task.js';
import type { Experiment } from '../spec/experiment.js';
import type { Duty } from './port.js';

/** Seconds that drain and arrivals are measured over. */
const WINDOW_S = 15;

/**
 * Leader's duty where admission goes by expected wait: measures what the fleet finishes and what is admitted by
 * priority, and tells the queue. While little has been finished yet it goes by a tenth of what the slots could do.
 */
export class AdmissionControl implements QueueObserver {
  private readonly finishedPerSecond = new Array<number>(WINDOW_S).fill(0);
  private readonly admittedPerSecond = Array.from({ length: WINDOW_S }, () => [0, 0, 0, 0]);
  private second = 0;

  constructor(
    private readonly experiment: Experiment,
    private readonly fleet: () => FleetSample,
  ) {}

  /** The duty, or null where only the bound holds. */
  duty(queue: TaskQueue, onError: (error: unknown) => void): Duty | null {
    const admission = this.experiment.queue.admission;
    if (admission === null) return null;
    const maxWaitMs = gradedWaits(admission.maxWaitMs);
    const meanServiceMs = this.experiment.tasks.types.reduce((sum, type) => sum + type.share * type.meanMs, 0);
    return {
      everyMs: SECOND,
      run: () => {
        const capacity = this.fleet().slots / meanServiceMs;
        const measured = sum(this.finishedPerSecond) / (WINDOW_S * SECOND);
        // The lower of both: slots that are there but slow do not count, nor do finished tasks of slots now gone.
        const drainPerMs = Math.max(capacity * 0.1, Math.min(capacity, measured));
        const arrivals = [0, 1, 2, 3].map(
          (p) => sum(this.admittedPerSecond.map((row) => row[p] as number)) / (WINDOW_S * SECOND),
        );
        const arrivalsPerMs = arrivals as [number, number, number, number];
        whenSettled(queue.setAdmission({ drainPerMs, arrivalsPerMs, maxWaitMs }), () => undefined, onError);
      },
    };
  }

  submitted(task: Task, outcome: SubmitOutcome, at: number): void {
    this.turn(at);
    const row = this.admittedPerSecond[this.second % WINDOW_S] as number[];
    if (outcome.accepted) row[task.priority] = (row[task.priority] as number) + 1;
  }

  started(): void {
    // Only what comes in and what is finished matters here.
  }

  finished(_lease: Lease, _agent: AgentIdentity, _result: AttemptResult, _outcome: FinishOutcome, at: number): void {
    this.turn(at);
    const slot = this.second % WINDOW_S;
    this.finishedPerSecond[slot] = (this.finishedPerSecond[slot] as number) + 1;
  }

  requeued(): void {
    // The task counts when it is finished.
  }

  private turn(at: number): void {
    const second = Math.floor(at / SECOND);
    if (second === this.second) return;
    const steps = Math.min(WINDOW_S, second - this.second);
    for (let i = 0; i < steps; i += 1) {
      const slot = (second - i) % WINDOW_S;
      this.finishedPerSecond[slot] = 0;
      this.admittedPerSecond[slot] = [0, 0, 0, 0];
    }
    this.second = second;
  }
}

/**
 * Longest admitted wait by priority: P0 up to the whole limit, each lower priority a quarter less, so that the
 * lowest is refused first and what is admitted keeps well inside the target.
 */
export function gradedWaits(maxWaitMs: number): [number, number, number, number] {
  return [maxWaitMs, maxWaitMs * 0.75, maxWaitMs * 0.5, maxWaitMs * 0.25];
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
