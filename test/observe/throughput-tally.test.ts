import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { SteadyWindow } from '../../runtime/observe/steady-window.js';
import { ThroughputTally, type ThroughputJson } from '../../runtime/observe/throughput-tally.js';

function rig(durationMs = HOUR) {
  const window = new SteadyWindow(0, durationMs);
  return { window, tally: new ThroughputTally(window) };
}

/** One task every `gapMs`, each taking `serviceMs`. */
function run(tally: ThroughputTally, from: number, to: number, gapMs: number, serviceMs: number): void {
  for (let at = from; at < to; at += gapMs) tally.completed(at, at + serviceMs);
}

describe('throughput', () => {
  it('of an even load is its rate, in the mean and in every minute', () => {
    const { tally } = rig();
    run(tally, 0, HOUR, 100, 30 * SECOND);
    expect(tally.summary).toEqual({ avg: 600, min: 600, max: 600, p50: 600, p99: 600 });
  });

  it('counts tasks by when they were scheduled, even if they end after the window', () => {
    const { tally, window } = rig();
    tally.completed(window.start - 1, window.start + 1);
    tally.completed(window.start, window.start + 1);
    tally.completed(window.end - 1, window.end + 5 * MINUTE);
    tally.completed(window.end, window.end + 1);
    expect(tally.count).toBe(2);
    expect(tally.summary.avg).toBeCloseTo(2 / 54, 12);
  });

  it('sees minutes in which nothing was completed', () => {
    const { tally } = rig();
    run(tally, 0, 20 * MINUTE, 1_000, 0);
    tally.advance(23 * MINUTE);
    run(tally, 23 * MINUTE, HOUR, 500, 0);
    expect(tally.summary).toMatchObject({ min: 0, max: 120, p50: 120 });
  });

  it('leaves out minutes cut by a pause, and the pause itself', () => {
    const { tally, window } = rig();
    run(tally, 0, 20.5 * MINUTE, 1_000, 0);
    tally.pauseFrom(20.5 * MINUTE);
    window.pauseFrom(20.5 * MINUTE);
    tally.completed(20.4 * MINUTE, 20.6 * MINUTE);
    tally.advance(29 * MINUTE);
    window.pauseTo(30 * MINUTE);
    tally.pauseTo(30 * MINUTE);
    run(tally, 30 * MINUTE, 69.5 * MINUTE, 1_000, 0);
    expect(tally.summary).toMatchObject({ min: 60, max: 60 });
    expect(tally.summary.avg).toBeCloseTo(60 + 1 / 54, 9);
  });

  it('has nothing but a mean where the window is shorter than a minute', () => {
    const { tally } = rig(MINUTE);
    run(tally, 0, MINUTE, 1_000, 0);
    const { avg, min, max, p50, p99 } = tally.summary;
    expect(avg).toBeCloseTo(60, 9);
    expect([min, max, p50, p99]).toEqual([avg, avg, avg, avg]);
  });

  it('is no number before the window has begun', () => {
    const { tally, window } = rig();
    window.stopAt(MINUTE);
    expect(tally.summary.avg).toBeNaN();
  });

  it('comes back from JSON as it was', () => {
    const { tally, window } = rig();
    run(tally, 0, 20.5 * MINUTE, 1_000, 0);
    const copy = new ThroughputTally(window);
    copy.restore(JSON.parse(JSON.stringify(tally)) as ThroughputJson);
    for (const each of [tally, copy]) run(each, 20.5 * MINUTE, 40 * MINUTE, 700, 0);
    expect(copy.summary).toEqual(tally.summary);
  });
});
