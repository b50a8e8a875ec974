import { SECOND } from '../../runtime/kernel/units.js';
import { CanaryTally, type CanaryJson } from '../../runtime/observe/canary-tally.js';

describe('canary tally', () => {
  it('tells answers in time from late ones and from none', () => {
    const tally = new CanaryTally(5 * SECOND);
    for (let i = 0; i < 10; i += 1) tally.sent(i, i * SECOND);
    for (let i = 0; i < 8; i += 1) tally.answered(i, i * SECOND, i * SECOND + (i < 6 ? 5 * SECOND : 5 * SECOND + 1));
    expect(tally.summary(60 * SECOND)).toEqual({ canaries: 10, answered: 8, withinTarget: 6 });
  });

  it('says nothing of canaries whose time was not up when the run ended', () => {
    const tally = new CanaryTally(5 * SECOND);
    for (let i = 0; i <= 60; i += 1) {
      tally.sent(i, i * SECOND);
      if (i < 50) tally.answered(i, i * SECOND, i * SECOND + 3);
    }
    // 50 … 55 had their five seconds, 56 … 60 had not.
    expect(tally.summary(60 * SECOND)).toEqual({ canaries: 56, answered: 50, withinTarget: 50 });
  });

  it('remembers only those that may still be answered in time', () => {
    const tally = new CanaryTally(5 * SECOND);
    for (let i = 0; i < 1_000; i += 1) tally.sent(i, i * SECOND);
    expect(tally.toJSON().pending.length).toBeLessThanOrEqual(6);
    const copy = new CanaryTally(5 * SECOND);
    copy.restore(JSON.parse(JSON.stringify(tally)) as CanaryJson);
    expect(copy.summary(1_000 * SECOND)).toEqual(tally.summary(1_000 * SECOND));
  });
});
