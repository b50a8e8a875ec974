import { Random } from '../../runtime/kernel/random.js';
import type { Experiment } from '../../runtime/spec/experiment.js';

/** What came out of a segment of a simulated run. */
export interface SimulatedSegment {
  readonly p99WaitMs: number;
  readonly meanWaitMs: number;
  readonly backlogAtEnd: number;
  readonly refused: number;
}

/**
 * The fleet by brute force: every task on its own, slots that take the most important task that waits (first come,
 * first served within a priority), a full queue that refuses. Only for a fixed number of agents and no failures.
 * Shares no code with the formulas it checks.
 */
export function simulateFleet(experiment: Experiment, seed: number): SimulatedSegment[] {
  const chance = new Random(seed, 'simulated-fleet');
  const slots = experiment.fleet.agents * experiment.fleet.slots;
  const ends = new EndHeap();
  const queues: { atMs: number; serviceMs: number; segment: number }[][] = [[], [], [], []];
  const heads = [0, 0, 0, 0];
  const waits: number[][] = experiment.load.segments.map(() => []);
  const refused = experiment.load.segments.map(() => 0);
  const backlogAtEnd = experiment.load.segments.map(() => 0);
  let waiting = 0;

  const finishUntil = (nowMs: number): void => {
    while (ends.size > 0 && ends.first <= nowMs) {
      const endMs = ends.pop();
      const priority = queues.findIndex((queue, index) => (heads[index] as number) < queue.length);
      if (priority < 0) continue;
      const task = queues[priority]?.[heads[priority] as number] as {
        atMs: number;
        serviceMs: number;
        segment: number;
      };
      heads[priority] = (heads[priority] as number) + 1;
      waiting -= 1;
      waits[task.segment]?.push(endMs - task.atMs);
      ends.push(endMs + task.serviceMs);
    }
  };
  experiment.load.segments.forEach((segment, index) => {
    const gapMs = 60_000 / segment.ratePerMin;
    const nextGap = (): number => (experiment.load.process === 'poisson' ? chance.exponential(gapMs) : gapMs);
    for (let atMs = segment.startMs + nextGap() / 2; atMs < segment.endMs; atMs += nextGap()) {
      finishUntil(atMs);
      const serviceMs = drawService(experiment, chance);
      const priority = pick(experiment.tasks.priorityShares, chance);
      if (ends.size < slots) {
        waits[index]?.push(0);
        ends.push(atMs + serviceMs);
      } else if (waiting >= experiment.queue.bound) {
        refused[index] = (refused[index] as number) + 1;
      } else {
        queues[priority]?.push({ atMs, serviceMs, segment: index });
        waiting += 1;
      }
    }
    finishUntil(segment.endMs);
    backlogAtEnd[index] = waiting;
  });
  finishUntil(Infinity);
  return waits.map((list, index) => {
    list.sort((a, b) => a - b);
    return {
      p99WaitMs: list[Math.ceil(list.length * 0.99) - 1] ?? 0,
      meanWaitMs: list.reduce((sum, wait) => sum + wait, 0) / list.length,
      backlogAtEnd: backlogAtEnd[index] as number,
      refused: refused[index] as number,
    };
  });
}

function drawService(experiment: Experiment, chance: Random): number {
  const { types, serviceTime } = experiment.tasks;
  const { meanMs } = types[
    pick(
      types.map((type) => type.share),
      chance,
    )
  ] as (typeof types)[number];
  if (serviceTime.distribution === 'fixed') return meanMs;
  if (serviceTime.distribution === 'exponential') return chance.exponential(meanMs);
  const sigma = Math.sqrt(Math.log(1 + serviceTime.cv ** 2));
  return meanMs * Math.exp(sigma * chance.normal() - sigma ** 2 / 2);
}

function pick(shares: readonly number[], chance: Random): number {
  let left = chance.next();
  for (let i = 0; i < shares.length - 1; i += 1) {
    left -= shares[i] as number;
    if (left < 0) return i;
  }
  return shares.length - 1;
}

/** Ends of service in order of time. */
class EndHeap {
  private readonly times: number[] = [];

  get size(): number {
    return this.times.length;
  }

  get first(): number {
    return this.times[0] as number;
  }

  push(time: number): void {
    const { times } = this;
    let index = times.push(time) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((times[parent] as number) <= time) break;
      times[index] = times[parent] as number;
      index = parent;
    }
    times[index] = time;
  }

  pop(): number {
    const { times } = this;
    const top = times[0] as number;
    const last = times.pop() as number;
    const size = times.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && (times[child + 1] as number) < (times[child] as number)) child += 1;
      if ((times[child] as number) >= last) break;
      times[index] = times[child] as number;
      index = child;
    }
    times[index] = last;
    return top;
  }
}
