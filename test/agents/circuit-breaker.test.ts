import { CircuitBreaker } from '../../runtime/agents/circuit-breaker.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';

async function stage() {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const breaker = new CircuitBreaker(clock, { failures: 3, openMs: 1_000 });
  const call = (verdict: 'ok' | 'failed' | 'unknown'): void => breaker.left(breaker.enter(), verdict);
  const wait = (ms: number): Promise<void> => {
    clock.after(ms, () => undefined);
    return clock.run();
  };
  return { clock, breaker, call, wait };
}

describe('circuit breaker', () => {
  it('lets everybody through while failures do not come in a row', async () => {
    const { breaker, call } = await stage();
    for (let round = 0; round < 5; round += 1) for (const verdict of ['failed', 'failed', 'ok'] as const) call(verdict);
    expect(breaker.opensAt()).toBe(-Infinity);
  });

  it('opens after the failures in a row it is given, for as long as it is given', async () => {
    const { breaker, call, wait } = await stage();
    await wait(50);
    for (let failure = 0; failure < 3; failure += 1) call('failed');
    expect(breaker.opensAt()).toBe(1_050);
  });

  it('lets one call try, and everybody after its success', async () => {
    const { breaker, call, wait } = await stage();
    for (let failure = 0; failure < 3; failure += 1) call('failed');
    await wait(1_000);
    const trial = breaker.enter();
    expect(breaker.opensAt()).toBe(Infinity);
    breaker.left(trial, 'ok');
    expect(breaker.opensAt()).toBe(-Infinity);
  });

  it('stays open when the trial fails, and takes another at once when it was cut off', async () => {
    const { clock, breaker, call, wait } = await stage();
    for (let failure = 0; failure < 3; failure += 1) call('failed');
    await wait(1_000);
    breaker.left(breaker.enter(), 'unknown');
    expect(breaker.opensAt()).toBeLessThanOrEqual(clock.now());
    breaker.left(breaker.enter(), 'failed');
    expect(breaker.opensAt()).toBe(2_000);
  });

  it('does not listen to calls from before it opened', async () => {
    const { breaker, call, wait } = await stage();
    const old = breaker.enter();
    for (let failure = 0; failure < 3; failure += 1) call('failed');
    await wait(1_000);
    const trial = breaker.enter();
    breaker.left(old, 'ok');
    expect(breaker.opensAt()).toBe(Infinity);
    breaker.left(trial, 'ok');
    expect(breaker.opensAt()).toBe(-Infinity);
  });
});
