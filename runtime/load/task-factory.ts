import { hashUniform } from '../kernel/random.js';
import type { Task } from '../queue/task.js';
import type { Priority, TaskMix } from '../spec/experiment.js';

const SALT_TYPE = 2;
const SALT_PRIORITY = 3;

/** Makes task number `index` of a run: type and priority follow from seed and index alone. */
export class TaskFactory {
  private readonly typeLimits: readonly number[];
  private readonly priorityLimits: readonly number[];

  constructor(
    mix: TaskMix,
    private readonly seed: number,
  ) {
    this.typeLimits = cumulated(mix.types.map((type) => type.share));
    this.priorityLimits = cumulated(mix.priorityShares);
  }

  task(index: number, scheduledAt: number): Task {
    const type = pick(this.typeLimits, hashUniform(this.seed, index, SALT_TYPE));
    const priority = pick(this.priorityLimits, hashUniform(this.seed, index, SALT_PRIORITY)) as Priority;
    return { index, type, priority, scheduledAt };
  }
}

function cumulated(shares: readonly number[]): number[] {
  let sum = 0;
  return shares.map((share) => (sum += share));
}

/** Index of the first limit above `u`; the last one catches rounding. */
function pick(limits: readonly number[], u: number): number {
  const last = limits.length - 1;
  for (let i = 0; i < last; i += 1) if (u < (limits[i] as number)) return i;
  return last;
}
