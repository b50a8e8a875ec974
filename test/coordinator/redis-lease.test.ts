import { RedisLease } from '../../runtime/coordinator/adapters/redis-lease.js';
import { Coordinator } from '../../runtime/coordinator/coordinator.js';
import type { LeaderLease } from '../../runtime/coordinator/port.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { LeaseModel } from './lease-model.js';

const TTL = 1_500;

function stage(seed = 1) {
  const clock = new VirtualClock(1_000_000, new Random(seed, 'ties'));
  const model = new LeaseModel(clock);
  const lease = (incarnation: number): RedisLease => new RedisLease({ server: model.client(), clock, incarnation });
  /** Runs `script` as the only thing that happens. */
  const play = async (script: () => Promise<void>): Promise<void> => {
    let failure: Error | null = null;
    clock.spawn(
      async () => {
        await script();
        clock.stop();
      },
      (error) => {
        failure = error as Error;
        clock.stop();
      },
    );
    await clock.run();
    if (failure !== null) throw failure as Error;
  };
  return { clock, model, lease, play };
}

describe('RedisLease', () => {
  it('is one holder’s until it runs out, and the term rises with the holder', async () => {
    const { clock, lease, play } = stage();
    await play(async () => {
      const [a, b] = [lease(1), lease(2)];
      const first = await a.acquire('a', TTL);
      expect(first).not.toBeNull();
      expect(await b.acquire('b', TTL)).toBeNull();
      expect(await a.acquire('a', TTL)).toEqual(first);
      expect((await b.holder())?.replica).toBe('a');
      await clock.sleep(TTL * 1.06);
      expect(await b.holder()).toBeNull();
      const second = await b.acquire('b', TTL);
      expect(second?.term).toBeGreaterThan(first!.term);
      expect(await a.acquire('a', TTL)).toBeNull();
    });
  });

  it('tells until when it is held by the asker’s clock', async () => {
    const { clock, model, lease, play } = stage();
    model.promote(3_600_000);
    model.follow();
    await play(async () => {
      await lease(1).acquire('a', TTL);
      const until = (await lease(2).holder())?.until ?? NaN;
      expect(until - clock.now()).toBeGreaterThan(TTL - 10);
      expect(until - clock.now()).toBeLessThan(TTL * 1.06);
    });
  });

  it('is another incarnation’s only when it has run out, though it has the same name', async () => {
    const { clock, lease, play } = stage();
    await play(async () => {
      await lease(1).acquire('a', TTL);
      expect(await lease(2).acquire('a', TTL)).toBeNull();
      await clock.sleep(TTL * 1.06);
      expect(await lease(2).acquire('a', TTL)).not.toBeNull();
    });
  });

  it('is free at once when it was handed back, with a higher term', async () => {
    const { lease, play } = stage();
    await play(async () => {
      const [a, b] = [lease(1), lease(2)];
      const first = await a.acquire('a', TTL);
      await b.release('b');
      expect(await b.acquire('b', TTL)).toBeNull();
      await a.release('a');
      expect((await b.acquire('b', TTL))!.term).toBeGreaterThan(first!.term);
    });
  });

  it('is no leadership while a replica is connected and does not confirm', async () => {
    const { model, lease, play } = stage();
    model.replicating = false;
    await play(async () => {
      await expect(lease(1).acquire('a', TTL)).rejects.toThrow('no replica has confirmed');
    });
  });

  it('counts without a replica once there has been none for a moment', async () => {
    const { clock, model, lease, play } = stage();
    model.replica = false;
    await play(async () => {
      const a = lease(1);
      const from = clock.now();
      expect(await a.acquire('a', TTL)).not.toBeNull();
      expect(clock.now() - from).toBeGreaterThanOrEqual(250);
      const again = clock.now();
      expect(await a.acquire('a', TTL)).not.toBeNull();
      expect(clock.now() - again).toBeLessThan(10);
      model.follow();
      expect(await a.acquire('a', TTL)).not.toBeNull();
      model.replica = false;
      const alone = clock.now();
      expect(await a.acquire('a', TTL)).not.toBeNull();
      expect(clock.now() - alone).toBeGreaterThanOrEqual(250);
    });
  });

  it('gives up on a server that does not answer, in time for another try within the lease', async () => {
    const { clock, model, lease, play } = stage();
    model.silent = true;
    await play(async () => {
      const from = clock.now();
      await expect(lease(1).acquire('a', TTL)).rejects.toThrow('not granted within 750 ms');
      await expect(lease(1).holder()).rejects.toThrow('not answered');
      await expect(lease(1).release('a')).rejects.toThrow('not handed back');
      expect(clock.now() - from).toBeLessThan(3_000);
    });
  });

  it('gives the holder one full lease after a promotion, whatever the new primary’s clock says', async () => {
    for (const skew of [-3_600_000, 0, 3_600_000]) {
      const { clock, model, lease, play } = stage();
      await play(async () => {
        const [a, b] = [lease(1), lease(2)];
        const first = await a.acquire('a', TTL);
        model.promote(skew);
        model.follow();
        expect(await b.acquire('b', TTL)).toBeNull();
        await clock.sleep(TTL);
        expect(await b.acquire('b', TTL)).toBeNull();
        await clock.sleep(TTL * 0.1);
        expect((await b.acquire('b', TTL))!.term).toBeGreaterThan(first!.term);
      });
    }
  });

  it('never has two leaders at a time, whatever happens to Redis and the way there; terms never fall', async () => {
    let changes = 0;
    const fallen: number[] = [];
    for (let seed = 1; seed <= 15; seed += 1) {
      const { clock, model, lease } = stage(seed);
      let [latest, latestReplica] = [0, ''];
      const watched = (incarnation: number): LeaderLease => {
        const inner = lease(incarnation);
        return {
          acquire: async (replica, ttlMs) => {
            const won = await inner.acquire(replica, ttlMs);
            if (won === null) return null;
            if (won.term < latest || (won.term === latest && replica !== latestReplica)) fallen.push(won.term);
            [latest, latestReplica] = [won.term, replica];
            return won;
          },
          holder: () => inner.holder(),
          release: (replica) => inner.release(replica),
        };
      };
      const random = new Random(seed, 'troubles');
      const coordinators = ['a', 'b', 'c'].map(
        (replica, i) =>
          new Coordinator({
            replica,
            clock,
            lease: watched(i),
            duties: [],
            events: () => undefined,
            onError: () => undefined,
          }),
      );
      for (const coordinator of coordinators) coordinator.start();
      let last: Coordinator | null = null;
      clock.every(20, () => {
        const leading = coordinators.filter((one) => one.isLeader);
        expect(leading.length).toBeLessThanOrEqual(1);
        const [now = last] = leading;
        if (now !== last) changes += 1;
        last = now;
      });
      const troubles = [
        () => model.promote(Math.floor((random.next() - 0.5) * 1_000)),
        () => model.follow(),
        () => (model.replicating = false),
        () => model.follow(),
        () => (model.silent = true),
        () => (model.silent = false),
        () => (model.silent = false),
        () => (model.tripMs = random.next() * 300),
        () => (model.tripMs = 1),
        () => coordinators.find((one) => one.isLeader)?.kill(),
        () => coordinators.find((one) => !one.isAlive)?.start(),
        () => coordinators.find((one) => one.isLeader)?.stop(),
      ];
      clock.every(900, () => {
        const trouble = troubles[Math.floor(random.next() * troubles.length)]!;
        // What was not copied is lost with the primary; a grant that had to be confirmed is not among it.
        if (trouble !== troubles[0] || model.replica) trouble();
      });
      clock.after(60_000, () => {
        clock.stop();
      });
      await clock.run();
    }
    expect(fallen).toEqual([]);
    // The troubles were such that leadership went from one to another: about 50 times, seldom exactly as often again,
    // since promises that are no business of the clock settle in an order of their own.
    expect(changes).toBeGreaterThan(30);
  });
});
