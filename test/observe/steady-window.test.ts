import { HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { SteadyWindow, type SteadyWindowJson } from '../../runtime/observe/steady-window.js';

const START = 1_767_538_800_000;

describe('steady window', () => {
  it('leaves out ten minutes at both ends of a long run and five per cent of a short one', () => {
    const long = new SteadyWindow(START, 72 * HOUR);
    expect([long.start - START, long.end - START]).toEqual([10 * MINUTE, 72 * HOUR - 10 * MINUTE]);
    const short = new SteadyWindow(START, 2 * MINUTE);
    expect([short.start - START, short.end - START]).toEqual([6 * SECOND, 114 * SECOND]);
  });

  it('ends later by as long as the run was paused, and does not count the pause', () => {
    const window = new SteadyWindow(START, HOUR);
    const length = window.lengthMs;
    window.pauseFrom(START + 20 * MINUTE);
    expect(window.paused).toBe(true);
    expect(window.runTime(START + 24 * MINUTE)).toBe(20 * MINUTE);
    window.pauseTo(START + 25 * MINUTE);
    expect(window.end - START).toBe(62 * MINUTE);
    expect(window.loadEnd - START).toBe(65 * MINUTE);
    expect(window.lengthMs).toBe(length);
    expect(window.runTime(START + 30 * MINUTE)).toBe(25 * MINUTE);
  });

  it('is shifted as a whole by a pause before it, and not at all by one after it', () => {
    const window = new SteadyWindow(START, HOUR);
    const { start, end } = window;
    window.pauseFrom(START + MINUTE);
    window.pauseTo(START + 3 * MINUTE);
    expect([window.start - start, window.end - end]).toEqual([2 * MINUTE, 2 * MINUTE]);
    window.pauseFrom(START + 61 * MINUTE);
    window.pauseTo(START + 70 * MINUTE);
    expect([window.start - start, window.end - end]).toEqual([2 * MINUTE, 2 * MINUTE]);
    expect(window.lengthMs).toBe(end - start);
  });

  it('ends with the load when the run is stopped before its time', () => {
    const window = new SteadyWindow(START, HOUR);
    window.stopAt(START + 30 * MINUTE);
    expect(window.lengthMs).toBe(27 * MINUTE);
    expect(window.contains(START + 30 * MINUTE - 1)).toBe(true);
    expect(window.contains(START + 30 * MINUTE)).toBe(false);
    const early = new SteadyWindow(START, HOUR);
    early.stopAt(START + MINUTE);
    expect(early.lengthMs).toBe(0);
    const paused = new SteadyWindow(START, HOUR);
    paused.pauseFrom(START + 20 * MINUTE);
    paused.stopAt(START + 50 * MINUTE);
    expect(paused.lengthMs).toBe(17 * MINUTE);
    expect(paused.runTime(paused.loadEnd)).toBe(20 * MINUTE);
  });

  it('comes back from JSON as it was, in a pause too', () => {
    const window = new SteadyWindow(START, HOUR);
    window.pauseFrom(START + 20 * MINUTE);
    const copy = new SteadyWindow(START, HOUR);
    copy.restore(JSON.parse(JSON.stringify(window)) as SteadyWindowJson);
    for (const each of [window, copy]) each.pauseTo(START + 22 * MINUTE);
    expect(copy).toEqual(window);
  });
});
