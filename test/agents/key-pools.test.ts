import fc from 'fast-check';
import { KeyPools } from '../../runtime/agents/key-pools.js';
import type { Permit, Refusal } from '../../runtime/agents/port.js';
import { Random } from '../../runtime/kernel/random.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { KeyRules, ProviderRules } from '../../runtime/spec/executor-rules.js';

const key = (name: string, ratePerMin: number, burst = 1): KeyRules => ({ name, env: null, ratePerMin, burst });

function provider(name: string, keys: KeyRules[], rest: Partial<ProviderRules> = {}): ProviderRules {
  return { name, keys, sendAs: null, concurrency: null, breaker: { failures: 3, openMs: 10 * SECOND }, ...rest };
}

function stage(...providers: ProviderRules[]) {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const pools = new KeyPools(clock, providers);
  const take = (): Permit | Refusal => {
    const taken = pools.take();
    if (taken instanceof Promise) throw new Error('whoever is alone with the keys need not wait for an answer');
    return taken;
  };
  const granted = (): Permit => {
    const taken = take();
    if (!taken.granted) throw new Error(`refused: ${taken.reason}`);
    return taken;
  };
  const refused = (): Refusal => {
    const taken = take();
    if (taken.granted) throw new Error(`granted: ${taken.provider}/${taken.key}`);
    return taken;
  };
  const wait = (ms: number): Promise<void> => {
    clock.after(ms, () => undefined);
    return clock.run();
  };
  return { clock, take, granted, refused, wait };
}

const nameOf = ({ provider: name, key: keyName }: Permit): string => `${name}/${keyName}`;

describe('key pools', () => {
  it('never let more requests through in any minute than the key is good for, whenever they are asked', async () => {
    const rates = fc
      .integer({ min: 2, max: 60 })
      .chain((rate) => fc.tuple(fc.constant(rate), fc.integer({ min: 1, max: rate })));
    const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4_000 })), {
      minLength: 50,
      maxLength: 300,
    });
    await fc.assert(
      fc.asyncProperty(rates, gaps, async ([rate, burst], waits) => {
        const { clock, take, wait } = stage(provider('p', [key('k', rate, burst)]));
        const grants: number[] = [];
        for (const gap of waits) {
          if (gap > 0) await wait(gap);
          if (take().granted) grants.push(clock.now());
        }
        for (const [first, at] of grants.entries()) {
          const within = grants.slice(first).filter((other) => other < at + MINUTE - 1e-6).length;
          expect(within).toBeLessThanOrEqual(rate);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('let through as much as the key is good for when there is enough to do', async () => {
    const { take, wait } = stage(provider('p', [key('k', 120)]));
    let grants = 0;
    for (let tick = 0; tick < 10 * 60 * 10; tick += 1) {
      if (take().granted) grants += 1;
      await wait(100);
    }
    expect(grants).toBe(1_200);
  });

  it('turn to another key, then to another provider, then send away', () => {
    const { granted, refused } = stage(
      provider('first', [key('a', 60), key('b', 60)]),
      provider('second', [key('c', 60)]),
    );
    expect([granted(), granted(), granted()].map(nameOf)).toEqual(['first/a', 'first/b', 'second/c']);
    expect(refused()).toEqual({ granted: false, reason: 'rate_limited', retryAfterMs: SECOND });
  });

  it('tell those they send away different times, so that they do not all come back for one token', () => {
    const { granted, refused } = stage(provider('p', [key('k', 60)]));
    granted();
    const waits = Array.from({ length: 5 }, () => refused().retryAfterMs);
    expect(waits).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
    for (let more = 0; more < 1_000; more += 1) expect(refused().retryAfterMs).toBeLessThanOrEqual(61_000);
  });

  it('put a key aside for as long as the server asks', async () => {
    const { granted, refused, wait } = stage(provider('p', [key('a', 6_000), key('b', 6_000)]));
    granted().end('limited', 30 * SECOND);
    await wait(SECOND);
    for (let call = 0; call < 10; call += 1) {
      const permit = granted();
      expect(permit.key).toBe('b');
      permit.end('limited', 20 * SECOND);
      await wait(SECOND);
      if (call === 0) break;
    }
    expect(refused().retryAfterMs).toBeCloseTo(19 * SECOND, -2);
    await wait(19 * SECOND);
    expect(granted().key).toBe('b');
  });

  it('go to the next provider while one fails, and try it again with a single call', async () => {
    const { granted, wait } = stage(provider('first', [key('a', 6_000)]), provider('second', [key('b', 6_000)]));
    for (let failure = 0; failure < 3; failure += 1) {
      granted().end('failed', 0);
      await wait(SECOND);
    }
    expect(granted().provider).toBe('second');
    await wait(10 * SECOND);
    const trial = granted();
    await wait(SECOND);
    expect([trial.provider, granted().provider]).toEqual(['first', 'second']);
    trial.end('ok', 0);
    await wait(SECOND);
    expect(granted().provider).toBe('first');
  });

  it('say that the circuit is open when nobody else is there', () => {
    const { granted, refused } = stage(provider('p', [key('a', 60_000, 100)]));
    for (let failure = 0; failure < 3; failure += 1) granted().end('failed', 0);
    expect(refused()).toEqual({ granted: false, reason: 'circuit_open', retryAfterMs: 10 * SECOND });
  });

  it('keep a provider’s calls under way below its cap, and count each end once', () => {
    const { granted, refused } = stage(provider('p', [key('a', 60_000, 100)], { concurrency: 2 }));
    const [one] = [granted(), granted()];
    expect(refused().reason).toBe('concurrency_cap');
    one.end('ok', 0);
    one.end('ok', 0);
    granted();
    expect(refused().reason).toBe('concurrency_cap');
  });
});
