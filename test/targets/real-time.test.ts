import { RealClock } from '../../runtime/kernel/real-clock.js';
import { SECOND } from '../../runtime/kernel/units.js';
import { buildReport } from '../../runtime/report/build.js';
import type { ExperimentReport, LatencySummary } from '../../runtime/report/model.js';
import { experiment } from '../support/experiment.js';
import { newRun, rehearse } from './rehearse.js';

/** As close as a rehearsal and the real thing have to be: the larger of the two. */
const SHARE = 0.1;
const MS = 50;

/** 20 s of 1,500 tasks a minute on 30 slots that take 1.05 s each: 87 % are busy, so that tasks wait. */
const spec = experiment({
  durationMs: 20 * SECOND,
  ratePerMin: 1_500,
  process: 'poisson',
  fleet: { agents: 10, slots: 3 },
  tasks: { types: [{ name: 'light', share: 1, meanMs: 1_050, tokens: { input: 0, output: 0 } }] },
});

// A machine that is busy with other things may hold up one run; not three in a row.
jest.retryTimes(2);

describe('the same experiment in real and in virtual time', () => {
  it('agrees in the percentiles of both latencies', async () => {
    const { report: rehearsed } = await rehearse(spec);
    const live = await runLive();
    expect(live.ledger).toEqual(rehearsed.ledger);
    for (const latency of ['latency', 'completion'] as const) {
      const differences = compare(live.performance[latency], rehearsed.performance[latency]);
      expect(differences).toEqual([]);
    }
    expect(rehearsed.performance.latency.p99).toBeGreaterThan(2 * MS);
  }, 60_000);
});

async function runLive(): Promise<ExperimentReport> {
  const clock = new RealClock();
  const run = newRun({ ...spec, startAtMs: clock.now() }, clock);
  const { input } = await run.carryOut();
  return buildReport(input);
}

function compare(live: LatencySummary, rehearsed: LatencySummary): string[] {
  return (['p50', 'p90', 'p99'] as const)
    .filter((name) => Math.abs(live[name] - rehearsed[name]) > Math.max(MS, SHARE * rehearsed[name]))
    .map((name) => `${name}: ${live[name]} ms live, ${rehearsed[name]} ms rehearsed`);
}
