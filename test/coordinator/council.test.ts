import fc from 'fast-check';
import { MemoryLease } from '../../runtime/coordinator/adapters/memory-lease.js';
import { Coordinator } from '../../runtime/coordinator/coordinator.js';
import { Council } from '../../runtime/coordinator/council.js';
import type { LeaderLease } from '../../runtime/coordinator/port.js';
import { Random } from '../../runtime/kernel/random.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';

const RESTART = 10 * SECOND;

function rethrow(error: unknown): never {
  throw error;
}

function stage(seed = 1) {
  const clock = new VirtualClock(0, new Random(seed, 'ties'));
  const events: ExperimentEvent[] = [];
  const duties: number[] = [];
  const council = new Council({
    replicas: 3,
    restartMs: RESTART,
    clock,
    lease: new MemoryLease(clock),
    duties: [{ everyMs: 250, run: () => duties.push(clock.now()) }],
    events: (event) => events.push(event),
    onError: rethrow,
  });
  const runUntil = async (ms: number): Promise<void> => {
    clock.at(ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  return { clock, council, events, duties, runUntil };
}

describe('council', () => {
  it('is led by one replica, which carries out each duty at its interval', async () => {
    const { council, duties, events, runUntil } = stage();
    expect(council.leader()).toBeNull();
    council.start();
    await runUntil(10_100);
    expect(council.leader()).toBe('coordinator-1');
    expect(council.alive).toBe(3);
    expect(duties).toEqual(Array.from({ length: 40 }, (_, i) => 250 * (i + 1)));
    expect(events).toEqual([{ type: 'leader', at: 0, replica: 'coordinator-1', previous: null }]);
  });

  it('has a new leader at most 3 s after a kill, whenever that happens; the killed one comes back as standby', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const { clock, council, events, duties, runUntil } = stage(seed);
      const killAt = 5_000 + 37 * seed;
      council.start();
      let killed: string | null = null;
      let last = 0;
      clock.at(killAt, () => {
        killed = council.killLeader();
        expect(council.leader()).toBeNull();
        expect(council.alive).toBe(2);
        last = duties.length;
      });
      await runUntil(killAt + RESTART - 1);
      expect(council.alive).toBe(2);
      const takeover = events.at(-1)!;
      expect(takeover).toMatchObject({ type: 'leader', previous: killed });
      expect(takeover.at - killAt).toBeLessThanOrEqual(3_000);
      expect(duties[last]! - killAt).toBeLessThanOrEqual(3_000);
      await runUntil(killAt + 3 * RESTART);
      expect(council.alive).toBe(3);
      expect(council.leader()).not.toBe(killed);
      expect(events).toHaveLength(2);
    }
  });

  it('has one leader and soon another, however often they are killed', async () => {
    const { clock, council, duties, runUntil } = stage(5);
    const random = new Random(5, 'kills');
    council.start();
    let longest = 0;
    let leaderless = 0;
    clock.every(50, () => {
      leaderless = council.leader() === null && council.alive > 0 ? leaderless + 50 : 0;
      longest = Math.max(longest, leaderless);
      if (random.chance(0.01)) council.killLeader();
    });
    await runUntil(10 * 60 * SECOND);
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThanOrEqual(3_000);
    // Two leaders would carry out each duty twice.
    expect(duties.length).toBeLessThanOrEqual((10 * 60 * SECOND) / 250);
    expect(duties.length).toBeGreaterThan(1_000);
  });

  it('has nobody to kill while nobody leads', () => {
    const { council } = stage();
    expect(council.killLeader()).toBeNull();
  });

  it('is over when it is stopped: no duty runs, and nobody who was killed comes back', async () => {
    const { clock, council, duties, events, runUntil } = stage();
    council.start();
    await runUntil(5_000);
    council.killLeader();
    council.stop();
    const before = [duties.length, events.length];
    clock.after(60 * SECOND, () => {
      expect(council.alive).toBe(0);
      expect(council.leader()).toBeNull();
    });
    // Nothing is left to wait for, so that the process can end.
    await clock.run();
    expect([duties.length, events.length]).toEqual(before);
  });
});

/** A lease store behind a network that takes its time, fails, or never answers. */
class RemoteLease implements LeaderLease {
  private readonly store: MemoryLease;

  constructor(
    private readonly clock: VirtualClock,
    private readonly random: Random,
    private readonly trouble: number,
  ) {
    this.store = new MemoryLease(clock);
  }

  acquire(replica: string, ttlMs: number) {
    return this.ask(() => this.store.acquire(replica, ttlMs));
  }

  holder() {
    return this.ask(() => this.store.holder());
  }

  release(replica: string) {
    return this.ask(() => {
      this.store.release(replica);
    });
  }

  private async ask<T>(question: () => T): Promise<T> {
    const slow = this.random.chance(this.trouble);
    await this.clock.sleep(this.random.next() * (slow ? 4_000 : 20));
    if (this.random.chance(this.trouble)) throw new Error('connection lost');
    const answer = question();
    await this.clock.sleep(this.random.next() * (slow ? 4_000 : 20));
    if (this.random.chance(this.trouble)) throw new Error('answer lost');
    return answer;
  }
}

describe('coordinators over a bad network', () => {
  it('never lead two at a time, and lead again when the network is well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.double({ min: 0, max: 0.3, noNaN: true }), async (seed, trouble) => {
        const clock = new VirtualClock(0, new Random(seed, 'ties'));
        const random = new Random(seed, 'network');
        let bad = true;
        const lease = new RemoteLease(clock, random, 1);
        Object.defineProperty(lease, 'trouble', { get: () => (bad ? trouble : 0) });
        const errors: unknown[] = [];
        const onDuty: string[] = [];
        const coordinators = ['a', 'b', 'c'].map((replica) => {
          const coordinator: Coordinator = new Coordinator({
            replica,
            clock,
            lease,
            duties: [
              {
                everyMs: 100,
                run: () => {
                  expect(coordinator.isLeader).toBe(true);
                  onDuty.push(replica);
                },
              },
            ],
            events: () => undefined,
            onError: (error) => errors.push(error),
          });
          return coordinator;
        });
        const leaders = () => coordinators.filter(({ isLeader }) => isLeader).length;
        for (const coordinator of coordinators) coordinator.start();
        let most = 0;
        clock.every(20, () => {
          most = Math.max(most, leaders());
          const [victim] = random.sample(coordinators, 1);
          if (!random.chance(0.005)) return;
          victim!.kill();
          clock.after(2_000, () => {
            if (!victim!.isAlive) victim!.start();
          });
        });
        clock.at(60_000, () => {
          bad = false;
        });
        clock.at(75_000, () => {
          clock.stop();
        });
        await clock.run();
        expect(most).toBe(1);
        expect(onDuty.length).toBeGreaterThan(0);
        if (trouble === 0) expect(errors).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('does not come to life again when an answer reaches a coordinator that was killed', async () => {
    const clock = new VirtualClock(0, new Random(1, 'ties'));
    let asked = 0;
    const failing: LeaderLease = {
      acquire: async () => {
        asked += 1;
        await clock.sleep(100);
        throw new Error('connection lost');
      },
      holder: () => null,
      release: () => undefined,
    };
    const errors: unknown[] = [];
    const coordinator = new Coordinator({
      replica: 'a',
      clock,
      lease: failing,
      duties: [],
      events: () => undefined,
      onError: (error) => errors.push(error),
    });
    coordinator.start();
    clock.after(50, () => {
      coordinator.kill();
    });
    await clock.run();
    expect(asked).toBe(1);
    expect(errors).toHaveLength(1);
  });

  it('keeps standing for election when the store cannot say who leads', async () => {
    const clock = new VirtualClock(0, new Random(1, 'ties'));
    const lease = new MemoryLease(clock);
    lease.acquire('other', 4_000);
    const unsure: LeaderLease = {
      acquire: (replica, ttl) => lease.acquire(replica, ttl),
      holder: () => clock.hold(Promise.reject(new Error('connection lost'))),
      release: () => undefined,
    };
    const errors: unknown[] = [];
    const coordinator = new Coordinator({
      replica: 'a',
      clock,
      lease: unsure,
      duties: [],
      events: () => undefined,
      onError: (error) => errors.push(error),
    });
    coordinator.start();
    clock.at(6_000, () => {
      expect(coordinator.isLeader).toBe(true);
      clock.stop();
    });
    await clock.run();
    expect(errors.length).toBeGreaterThan(0);
  });
});

describe('leader lease in memory', () => {
  it('is held by one, renewed by its holder, free when it runs out or is given back; terms rise with the holder', () => {
    const clock = new VirtualClock(0, new Random(1, 'ties'));
    const lease = new MemoryLease(clock);
    expect(lease.holder()).toBeNull();
    expect(lease.acquire('a', 1_000)).toEqual({ term: 1 });
    expect(lease.acquire('b', 1_000)).toBeNull();
    expect(lease.acquire('a', 2_000)).toEqual({ term: 1 });
    expect(lease.holder()).toEqual({ replica: 'a', until: 2_000 });
    lease.release('b');
    expect(lease.acquire('b', 1_000)).toBeNull();
    lease.release('a');
    expect(lease.acquire('b', 1_000)).toEqual({ term: 2 });
    clock.at(1_000, () => {
      expect(lease.holder()).toBeNull();
      expect(lease.acquire('c', 1_000)).toEqual({ term: 3 });
    });
    return clock.run();
  });
});
