import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { Experiment, Injection } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { observer, rehearse, type Rehearsed } from './rehearse.js';

const partition = (zone: string | null, durationMs: number): Injection => ({
  ...{ type: 'network_partition', everyMs: null, atMs: [MINUTE], share: 0, durationMs, latencyMs: 0, factor: 1, zone },
});

const spec = (...injections: Injection[]): Experiment =>
  experiment({
    durationMs: 4 * MINUTE,
    ratePerMin: 300,
    tasks: { types: [{ name: 'longer', share: 1, meanMs: 3 * SECOND, tokens: { input: 0, output: 0 } }] },
    rest: { chaos: { enabled: true, injections, stop: { errorRate: 1, offlineShare: 1 } } },
  });

interface Requeued {
  readonly zone: string;
  readonly at: number;
}

async function rehearsed(experimentGiven: Experiment): Promise<{ run: Rehearsed; requeued: readonly Requeued[] }> {
  const requeued: Requeued[] = [];
  const run = await rehearse(experimentGiven, {
    observers: [observer({ requeued: (_lease, { zone }, _reason, at) => requeued.push({ zone, at }) })],
  });
  return { run, requeued };
}

const seen = { effectSeen: true, endSeen: true };

describe('a network partition in a rehearsal', () => {
  it('of one zone makes its tasks run elsewhere, and loses and doubles nothing', async () => {
    const { run, requeued } = await rehearsed(spec(partition('B', 30 * SECOND)));
    expect(run.report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true, queued: 0, leased: 0 });
    expect(run.report.summary.completedTasks).toBe(1_200);
    expect(new Set(requeued.map(({ zone }) => zone))).toEqual(new Set(['B']));
    // Results of what had run on unheard came late: recorded, not counted.
    expect(run.report.summary.supersededResults).toBe(requeued.length);
    const [fault] = run.report.faults;
    expect(fault).toMatchObject({ type: 'network_partition', subjects: ['B'], ...seen });
    // Somebody else had them before the partition was over.
    expect(fault?.serviceRecoveryMs).toBe(0);
    expect(run.report.invalid).toEqual([]);
  });

  it('shorter than a lease takes nothing away from anybody', async () => {
    const { run, requeued } = await rehearsed(spec(partition(null, 2 * SECOND)));
    expect(requeued).toEqual([]);
    expect(run.report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
    expect(run.report.faults[0]).toMatchObject(seen);
    expect(run.report.faults[0]?.serviceRecoveryMs).toBe(0);
  });

  it('of all zones expires nothing: nobody is left to be heard', async () => {
    const { run, requeued } = await rehearsed(spec(partition('*', 20 * SECOND)));
    expect(requeued).toEqual([]);
    expect(run.report.faults[0]).toMatchObject({ subjects: ['A', 'B', 'C', 'D'], ...seen });
    expect(run.report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true, queued: 0, leased: 0 });
    expect(run.report.summary.completedTasks + run.report.summary.shedTasks).toBe(1_200);
  });

  it('comes out the same every time', async () => {
    const chaos = spec(partition(null, 30 * SECOND));
    const [one, other] = [await rehearsed(chaos), await rehearsed(chaos)];
    expect(JSON.stringify(one.run.report)).toBe(JSON.stringify(other.run.report));
    expect(JSON.stringify(one.run.events)).toBe(JSON.stringify(other.run.events));
  });
});

describe('a kill of a Redis primary in a rehearsal', () => {
  it('is skipped, with the reason', async () => {
    const kill: Injection = { ...partition(null, 0), type: 'redis_primary_kill' };
    const { run } = await rehearsed(spec(kill));
    const skipped = run.events.flatMap((event) => (event.type === 'fault' && event.stage === 'skipped' ? [event] : []));
    expect(skipped.map(({ fault }) => fault.detail)).toEqual([
      'there is no Redis here whose primaries could be killed',
    ]);
    expect(run.report.faults).toEqual([]);
  });
});
