import fc from 'fast-check';
import { Aborted } from '../../runtime/kernel/clock.js';
import { Random } from '../../runtime/kernel/random.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';

const START = 1_767_538_800_000;

function virtualClock(seed = 1): VirtualClock {
  return new VirtualClock(START, new Random(seed, 'ties'));
}

function rethrow(error: unknown): never {
  throw error;
}

/** The order in which ten calls of the same time run. */
async function orderOfTies(seed: number): Promise<number[]> {
  const clock = virtualClock(seed);
  const order: number[] = [];
  for (let i = 0; i < 10; i += 1) clock.after(5, () => order.push(i));
  await clock.run();
  return order;
}

describe('virtual clock', () => {
  it('runs calls in the order of their times, and stands at each time while it does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -50, max: 500 }), { maxLength: 60 }), async (delays) => {
        const clock = virtualClock();
        const seen: number[] = [];
        for (const delay of delays) {
          clock.at(START + delay, () => {
            expect(clock.now()).toBe(START + Math.max(0, delay));
            seen.push(Math.max(0, delay));
          });
        }
        await clock.run();
        expect(seen).toEqual(delays.map((delay) => Math.max(0, delay)).sort((a, b) => a - b));
        expect(clock.events).toBe(delays.length);
      }),
      { numRuns: 30 },
    );
  });

  it('never calls back synchronously, not even for a time that has passed', async () => {
    const clock = virtualClock();
    let called = false;
    clock.at(START - 1, () => {
      called = true;
    });
    expect(called).toBe(false);
    await clock.run();
    expect(called).toBe(true);
  });

  it('runs calls of the same time in an order drawn from the seed: another for another seed, the same for the same', async () => {
    const orders = await Promise.all([1, 2, 3, 4].map(orderOfTies));
    expect(new Set(orders.map(String)).size).toBe(4);
    expect(await orderOfTies(3)).toEqual(orders[2]);
    for (const order of orders) expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not run what has been cancelled, before or by a call of the same time', async () => {
    const clock = virtualClock();
    const ran: string[] = [];
    const early = clock.after(1, () => ran.push('early'));
    early.cancel();
    const [a, b] = ['a', 'b'].map((name) =>
      clock.after(2, () => {
        ran.push(name);
        a!.cancel();
        b!.cancel();
      }),
    );
    await clock.run();
    expect(ran).toHaveLength(1);
    expect(['a', 'b']).toContain(ran[0]);
  });

  it('repeats without drift until it is cancelled, also from within', async () => {
    const clock = virtualClock();
    const times: number[] = [];
    const timer = clock.every(0.1, () => {
      times.push(clock.now() - START);
      if (times.length === 1_000) timer.cancel();
    });
    await clock.run();
    expect(times).toHaveLength(1_000);
    expect(times.at(-1)).toBeCloseTo(100, 3);
    expect(() => clock.every(0, () => {})).toThrow('above 0');
  });

  it('refuses a time that is none', () => {
    expect(() => virtualClock().at(NaN, () => {})).toThrow('NaN');
  });

  it('sleeps for exactly as long as asked, and other sleepers wake in between', async () => {
    const clock = virtualClock();
    const woke: string[] = [];
    const sleeper = async (name: string, delay: number): Promise<void> => {
      for (let i = 1; i <= 3; i += 1) {
        await clock.sleep(delay);
        woke.push(`${name}@${clock.now() - START}`);
      }
    };
    clock.spawn(() => sleeper('a', 20), rethrow);
    clock.spawn(() => sleeper('b', 15), rethrow);
    await clock.run();
    expect(woke).toEqual(['b@15', 'a@20', 'b@30', 'a@40', 'b@45', 'a@60']);
  });

  it('ends an aborted sleep at once, and one that is aborted already before it begins', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const outcomes: string[] = [];
    const sleeper = async (): Promise<void> => {
      await clock.sleep(1_000, controller.signal).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Aborted);
        outcomes.push(`${(error as Error).message}@${clock.now() - START}`);
      });
      await clock.sleep(1_000, controller.signal).catch(() => outcomes.push(`again@${clock.now() - START}`));
    };
    clock.spawn(sleeper, rethrow);
    clock.after(10, () => {
      controller.abort('enough');
    });
    await clock.run();
    expect(outcomes).toEqual(['enough@10', 'again@10']);
  });

  it('does not move on before everything a deferred has woken has run as far as it can', async () => {
    const clock = virtualClock();
    const seen: number[] = [];
    const answer = clock.deferred<number>();
    clock.spawn(async () => {
      await answer.promise;
      for (let i = 0; i < 50; i += 1) await Promise.resolve();
      seen.push(clock.now() - START);
    }, rethrow);
    const refused = clock.deferred<number>();
    clock.spawn(async () => {
      await refused.promise.catch(() => undefined);
      await Promise.resolve();
      seen.push(clock.now() - START);
    }, rethrow);
    clock.after(5, () => {
      answer.resolve(1);
      answer.resolve(2);
    });
    clock.after(7, () => {
      refused.reject(new Error('no'));
    });
    clock.after(5.001, () => seen.push(-1));
    await clock.run();
    expect(seen).toEqual([5, -1, 7]);
    expect(await answer.promise).toBe(1);
  });

  it('lets a spawned task reach its first wait before time moves, and hands its failure over', async () => {
    const clock = virtualClock();
    const failures: unknown[] = [];
    let reached = -1;
    clock.after(5, () => {
      clock.spawn(
        async () => {
          await Promise.resolve();
          reached = clock.now() - START;
          throw new Error('broken');
        },
        (error) => failures.push(error),
      );
    });
    clock.after(6, () => {
      expect(reached).toBe(5);
    });
    await clock.run();
    expect(failures).toEqual([new Error('broken')]);
  });

  it('stands still while real I/O is under way', async () => {
    const clock = virtualClock();
    const real = new RealClock();
    let held = false;
    let during = 0;
    clock.after(1, () => {
      held = true;
      clock
        .hold(real.sleep(30))
        .then(() => {
          expect(clock.now() - START).toBe(1);
          held = false;
        })
        .catch(rethrow);
    });
    clock.every(1, () => {
      if (held && clock.now() - START > 1) during += 1;
      if (clock.now() - START >= 100) clock.stop();
    });
    await clock.run();
    expect(held).toBe(false);
    expect(during).toBe(0);
  });

  it('goes on after I/O that failed', async () => {
    const clock = virtualClock();
    const failing = clock.hold(Promise.reject(new Error('disk full')));
    let ran = false;
    clock.after(1, () => {
      ran = true;
    });
    await expect(failing).rejects.toThrow('disk full');
    await clock.run();
    expect(ran).toBe(true);
  });

  it('stops after the event under way, and can be run on', async () => {
    const clock = virtualClock();
    const seen: number[] = [];
    for (let i = 1; i <= 4; i += 1) {
      clock.after(i, () => {
        seen.push(i);
        if (i === 2) clock.stop();
      });
    }
    await clock.run();
    expect(seen).toEqual([1, 2]);
    await clock.run();
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('lets signals and I/O through during a long run', async () => {
    const clock = virtualClock();
    let outside = 0;
    const interval = setInterval(() => {
      outside += 1;
    }, 1);
    const began = performance.now();
    clock.every(1, () => {
      if (performance.now() - began > 120) clock.stop();
    });
    await clock.run();
    clearInterval(interval);
    expect(outside).toBeGreaterThan(2);
  });
});
