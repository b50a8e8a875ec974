import { Aborted } from '../../runtime/kernel/clock.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';

const clock = new RealClock();

describe('real clock', () => {
  it('tells the time of the day, with fractions, and never goes back', () => {
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000);
    let last = clock.now();
    for (let i = 0; i < 1_000; i += 1) {
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('never wakes anybody early, however the timers of the platform round', async () => {
    for (const delay of [0, 1, 2.5, 7.9]) {
      const began = clock.now();
      await clock.sleep(delay);
      expect(clock.now() - began).toBeGreaterThanOrEqual(delay);
    }
  });

  it('calls back once, not synchronously, and not when cancelled', async () => {
    const ran: string[] = [];
    clock.at(clock.now() - 5, () => ran.push('past'));
    clock.after(2, () => ran.push('cancelled')).cancel();
    expect(ran).toEqual([]);
    await clock.sleep(15);
    expect(ran).toEqual(['past']);
  });

  it('waits for what must be punctual without keeping anything else waiting, and not when cancelled', async () => {
    const lags: number[] = [];
    for (const delay of [0, 3, 18, 40]) {
      const due = clock.now() + delay;
      let others = 0;
      const beside = setInterval(() => (others += 1), 1);
      await new Promise<void>((resolve) => {
        clock.punctually(due, () => {
          lags.push(clock.now() - due);
          resolve();
        });
      });
      clearInterval(beside);
      if (delay === 40) expect(others).toBeGreaterThan(3);
    }
    expect(Math.min(...lags)).toBeGreaterThanOrEqual(0);
    let fired = false;
    const [far, near] = [clock.punctually(clock.now() + 30, () => (fired = true)), clock.now() + 27];
    while (clock.now() < near) await new Promise(setImmediate);
    far.cancel();
    await clock.sleep(10);
    expect(fired).toBe(false);
  });

  it('repeats by its own time table and skips what it has slept through', async () => {
    const began = clock.now();
    const calls: number[] = [];
    const timer = clock.every(20, () => {
      calls.push(clock.now() - began);
      if (calls.length > 1) return;
      // The process stands still for three and a half beats.
      while (clock.now() - began < 90);
    });
    await clock.sleep(115);
    timer.cancel();
    const after = calls.length;
    expect(calls[0]).toBeGreaterThanOrEqual(20);
    // The beat that fell due meanwhile comes late, once; then it goes on at 100.
    expect(calls[1]).toBeGreaterThanOrEqual(90);
    if (calls[2] !== undefined) expect(calls[2]).toBeGreaterThanOrEqual(100);
    expect(after).toBeLessThanOrEqual(3 + Math.floor((calls.at(-1)! - 100) / 20));
    await clock.sleep(30);
    expect(calls).toHaveLength(after);
    expect(() => clock.every(-1, () => {})).toThrow('above 0');
  });

  it('does not fire a timer further away than the platform can count', async () => {
    let fired = false;
    const timer = clock.after(2_147_483_648 + 5_000, () => {
      fired = true;
    });
    await clock.sleep(10);
    timer.cancel();
    expect(fired).toBe(false);
  });

  it('ends a sleep that is aborted', async () => {
    const controller = new AbortController();
    const sleeping = clock.sleep(60_000, controller.signal);
    clock.after(1, () => {
      controller.abort('over');
    });
    await expect(sleeping).rejects.toEqual(new Aborted('over'));
    await expect(clock.sleep(1, controller.signal)).rejects.toBeInstanceOf(Aborted);
  });

  it('settles deferreds, hands over failures of what it spawned, and passes I/O through', async () => {
    const deferred = clock.deferred<string>();
    deferred.resolve('first');
    deferred.resolve('second');
    expect(await deferred.promise).toBe('first');
    const failure = await new Promise((resolve) => {
      clock.spawn(() => Promise.reject(new Error('broken')), resolve);
    });
    expect(failure).toEqual(new Error('broken'));
    expect(await clock.hold(Promise.resolve(7))).toBe(7);
  });
});
