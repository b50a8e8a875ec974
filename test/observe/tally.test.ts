import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { Tally, type TallyJson } from '../../runtime/observe/tally.js';
import type { Task } from '../../runtime/queue/task.js';
import type { Experiment, Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { fleetSample, ledgerCounts } from './samples.js';

const HOUR_RUN = experiment({ durationMs: HOUR });
const START = HOUR_RUN.startAtMs;

function task(index: number, scheduledAt: number, priority: Priority = 2): Task {
  return { index, type: 0, priority, scheduledAt };
}

/** D/D/∞: a task every `gapMs`, starting `waitMs` after its time and running `serviceMs`; one sample a second. */
function feed(
  tally: Tally,
  plan: { until: number; gapMs: number; waitMs: number; serviceMs: number; from?: number },
): void {
  type Step = readonly [at: number, order: number, run: () => void];
  const steps: Step[] = [];
  for (let at = plan.from ?? START, index = 0; at < plan.until; at += plan.gapMs, index += 1) {
    const one = task(index, at);
    const startsAt = at + plan.waitMs;
    const endsAt = startsAt + plan.serviceMs;
    steps.push([at, 0, () => tally.submitted(one, true, at)]);
    steps.push([startsAt, 1, () => tally.started(one, startsAt)]);
    steps.push([endsAt, 2, () => tally.completed(one, endsAt, startsAt)]);
  }
  for (let at = (plan.from ?? START) + SECOND; at <= plan.until; at += SECOND) {
    steps.push([at, 3, () => tally.sample(at, fleetSample(), ledgerCounts(), 0)]);
  }
  for (const [, , run] of steps.sort((a, b) => a[0] - b[0] || a[1] - b[1])) run();
}

describe('tally', () => {
  it('of an even load gives the numbers a pencil gives', () => {
    const tally = new Tally(HOUR_RUN);
    feed(tally, { until: START + HOUR, gapMs: 200, waitMs: 500, serviceMs: 2_000 });
    expect(tally.throughput.avg).toBeCloseTo(300, 9);
    expect(tally.throughput).toMatchObject({ min: 300, max: 300 });
    expect(tally.responseLatency().mean).toBeCloseTo(500, 9);
    expect(tally.completion.mean).toBeCloseTo(2_500, 9);
    expect(tally.service.mean).toBeCloseTo(2_000, 9);
    expect(tally.stretch.mean).toBeCloseTo(1.25, 9);
    expect(tally.dispatchLag.max).toBe(0);
    expect(tally.counts).toMatchObject({ submitted: 18_000, completed: 18_000, failed: 0, shed: 0, censored: 0 });
    expect(tally.types).toEqual([{ completed: 18_000, failed: 0, meanServiceMs: 2_000 }]);
    expect(tally.fleet.utilization).toBe(0.25);
    expect(tally.carriedOutMs(START + HOUR + MINUTE)).toBe(HOUR);
  });

  it('finds Little’s law in what went through the system, the tasks still in it included', () => {
    const tally = new Tally(HOUR_RUN);
    feed(tally, { until: START + HOUR, gapMs: 200, waitMs: 500, serviceMs: 2_000 });
    const { L, lambdaPerMs, W, error } = tally.littlesLaw(START + HOUR);
    expect(lambdaPerMs).toBeCloseTo(1 / 200, 6);
    expect(L).toBeCloseTo(12.5, 1);
    expect(W).toBeCloseTo(2_500, -1);
    expect(error).toBeLessThan(1e-9);
    const open = new Tally(HOUR_RUN);
    for (let i = 0; i < 10; i += 1) open.submitted(task(i, START + i * SECOND), true, START + i * SECOND);
    open.completed(task(0, START), START + 20 * SECOND, START);
    expect(open.littlesLaw(START + 60 * SECOND).error).toBeLessThan(1e-12);
    expect(open.littlesLaw(START + 60 * SECOND).L).toBeCloseTo((20 + 9 * 60 - 45) / 60, 9);
  });

  it('sees Little’s law broken when tasks are delayed before they are counted in', () => {
    const tally = new Tally(HOUR_RUN);
    for (let i = 0; i < 100; i += 1) {
      const one = task(i, START + i * SECOND);
      tally.submitted(one, true, START + i * SECOND + 500);
      tally.completed(one, START + i * SECOND + 1_000, START);
    }
    expect(tally.littlesLaw(START + 100 * SECOND).error).toBeCloseTo(1, 6);
  });

  it('counts latency from the schedule, so that a late generator makes it worse', () => {
    const tally = new Tally(HOUR_RUN);
    const one = task(0, START);
    tally.submitted(one, true, START + 300);
    tally.started(one, START + 400);
    expect(tally.dispatchLag.max).toBe(300);
    expect(tally.responseLatency().max).toBe(400);
  });

  it('enters tasks left at the end with the time they waited, those that had started with their completion only', () => {
    const tally = new Tally(HOUR_RUN);
    const waiting = task(0, START, 3);
    const running = task(1, START, 0);
    for (const one of [waiting, running]) tally.submitted(one, true, START);
    tally.started(running, START + 10);
    tally.unfinished(
      [
        { task: waiting, attempts: 0, started: false },
        { task: running, attempts: 1, started: true },
      ],
      START + MINUTE,
    );
    expect(tally.counts.censored).toBe(1);
    expect(tally.responseLatency().max).toBe(MINUTE);
    expect(tally.responseLatency(3).count).toBe(1);
    expect(tally.responseLatency(0).max).toBe(10);
    expect(tally.completion.count).toBe(2);
  });

  it('keeps refused tasks out of the latencies and counts them by priority', () => {
    const tally = new Tally(HOUR_RUN);
    tally.submitted(task(0, START, 3), false, START);
    tally.submitted(task(1, START, 3), false, START);
    tally.submitted(task(2, START, 1), true, START);
    expect(tally.counts.shedByPriority).toEqual([0, 0, 0, 2]);
    expect(tally.counts.submittedByPriority).toEqual([0, 1, 0, 2]);
    expect(tally.littlesLaw(START + 1).L).toBe(1);
    expect(tally.responseLatency().count).toBe(0);
  });

  it('shifts the steady window by a pause, and leaves throughput as it was', () => {
    const tally = new Tally(HOUR_RUN);
    const half = START + 30 * MINUTE;
    feed(tally, { until: half, gapMs: 200, waitMs: 0, serviceMs: 100 });
    tally.pauseFrom(half);
    tally.pauseTo(half + 10 * MINUTE);
    feed(tally, { from: half + 10 * MINUTE, until: START + 70 * MINUTE, gapMs: 200, waitMs: 0, serviceMs: 100 });
    expect(tally.throughput.avg).toBeCloseTo(300, 9);
    expect(tally.throughput).toMatchObject({ min: 300, max: 300 });
    expect(tally.carriedOutMs(START + 70 * MINUTE)).toBe(HOUR);
    expect(tally.window.end).toBe(START + 67 * MINUTE);
  });

  it('judges a run stopped early on what it carried out', () => {
    const tally = new Tally(HOUR_RUN);
    feed(tally, { until: START + 30 * MINUTE, gapMs: 200, waitMs: 0, serviceMs: 100 });
    tally.stopAt(START + 30 * MINUTE);
    expect(tally.throughput.avg).toBeCloseTo(300, 9);
    expect(tally.carriedOutMs(START + 31 * MINUTE)).toBe(30 * MINUTE);
  });

  it('is the same after it was written down, and can be gone on with', () => {
    const tally = new Tally(HOUR_RUN);
    feed(tally, { until: START + 10 * MINUTE, gapMs: 130, waitMs: 70, serviceMs: 1_700 });
    tally.canarySent(0, START);
    tally.canaryAnswered(0, START, START + 5);
    tally.failed(task(9, START), START + 10 * MINUTE + 2_000);
    const copy = reread(HOUR_RUN, tally);
    expect(copy.toJSON()).toEqual(tally.toJSON());
    for (const each of [tally, copy]) {
      feed(each, { from: START + 11 * MINUTE, until: START + 20 * MINUTE, gapMs: 130, waitMs: 90, serviceMs: 2_000 });
    }
    expect(copy.toJSON()).toEqual(tally.toJSON());
    expect(copy.responseLatency().quantile(0.99)).toBe(tally.responseLatency().quantile(0.99));
  });

  it('does not grow with the number of tasks', () => {
    const tally = new Tally(HOUR_RUN);
    feed(tally, { until: START + 2 * MINUTE, gapMs: 100, waitMs: 10, serviceMs: 500 });
    const before = JSON.stringify(tally).length;
    for (let i = 0; i < 20_000; i += 1) {
      tally.submitted(task(i, START + 2 * MINUTE), true, START + 2 * MINUTE);
      tally.started(task(i, START + 2 * MINUTE), START + 2 * MINUTE + 10);
    }
    expect(JSON.stringify(tally).length).toBeLessThan(before + 200);
  });
});

function reread(of: Experiment, tally: Tally): Tally {
  return Tally.fromJSON(of, JSON.parse(JSON.stringify(tally)) as TallyJson);
}
