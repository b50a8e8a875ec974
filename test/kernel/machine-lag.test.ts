import { MachineLag } from '../../runtime/kernel/machine-lag.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the lag of a machine', () => {
  it('is that of timers beside which nothing happens: a thread of ours that stands still is none of it', async () => {
    const lag = new MachineLag();
    await pause(300);
    const began = performance.now();
    while (performance.now() - began < 700) {
      // Our own thread does nothing else.
    }
    const summary = (await lag.stop())!;
    expect(summary.p50).toBeLessThan(20);
    expect(summary.p50).toBeLessThanOrEqual(summary.p99);
    expect(summary.p99).toBeLessThanOrEqual(summary.p999);
    expect(summary.p999).toBeLessThanOrEqual(summary.max);
  });

  it('is unknown before any timer has fired', async () => {
    expect(await new MachineLag().stop()).toBeNull();
  });
});
