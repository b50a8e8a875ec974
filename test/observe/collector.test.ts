import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { identityHolds } from '../../runtime/observe/audit.js';
import { Collector } from '../../runtime/observe/collector.js';
import type { ExperimentData } from '../../runtime/observe/data.js';
import type { SubmitOutcome } from '../../runtime/queue/port.js';
import type { Task } from '../../runtime/queue/task.js';
import { core } from '../support/core.js';
import { experiment } from '../support/experiment.js';
import { AGENT, FAILURE, fleetSample, leaseOf, ledgerCounts, SUCCESS } from './samples.js';

const PLAN = experiment();
const START = PLAN.startAtMs;
const ACCEPTED: SubmitOutcome = { accepted: true, enqueuedAt: START };
const SHED: SubmitOutcome = { accepted: false, reason: 'queue_full' };

function task(index: number, scheduledAt: number): Task {
  return { index, type: 0, priority: 2, scheduledAt };
}

/** Ten tasks a second, started after `waitMs`, done after another 100 ms; a sample at the end of each second. */
function feed(collector: Collector, fromSecond: number, toSecond: number, waitMs = 20): ExperimentData {
  let data: ExperimentData | null = null;
  for (let second = fromSecond; second < toSecond; second += 1) {
    for (let i = 0; i < 10; i += 1) {
      const at = START + second * SECOND + i * 50 + 1;
      const lease = leaseOf(task(second * 10 + i, at));
      collector.submitted(lease.task, ACCEPTED, at);
      collector.started(lease, AGENT, at + waitMs, true);
      collector.finished(lease, AGENT, SUCCESS, 'counted', at + waitMs + 100, at + waitMs);
    }
    data = collector.sample(START + (second + 1) * SECOND, fleetSample(), 1.5, ledgerCounts());
  }
  return data as ExperimentData;
}

describe('collector', () => {
  it('gives the rates and latencies of the trailing minute', () => {
    const data = feed(new Collector(PLAN), 0, 90);
    expect(data.performance).toMatchObject({ throughput: 600, offered: 600, shed: 0, waitTime: 20, dispatchLag: 0 });
    expect(data.performance.latency.p99).toBeCloseTo(20, 0);
    expect(data.performance.completion.p50).toBeCloseTo(120, -1);
    expect(data.errors).toEqual({ rate: 0, byType: {} });
    expect(data).toMatchObject({ timestamp: START + 90 * SECOND, cost: 1.5, agents: { active: 10, byZone: { A: 3 } } });
  });

  it('gives rates from the first second on, over the time there was', () => {
    expect(feed(new Collector(PLAN), 0, 3).performance.throughput).toBe(600);
  });

  it('forgets what is older than a minute', () => {
    const collector = new Collector(PLAN);
    feed(collector, 0, 60, 400);
    expect(feed(collector, 60, 119, 20).performance.latency.p99).toBeCloseTo(400, -1);
    expect(feed(collector, 119, 120, 20).performance.latency.p99).toBeCloseTo(20, 0);
    expect(collector.p99Recent(START + 120 * SECOND)).toEqual({ p99: expect.closeTo(20, 0), samples: 100 });
    expect(collector.p99Recent(START + 131 * SECOND)).toEqual({ p99: NaN, samples: 0 });
  });

  it('takes the wait of first attempts only, and counts failed attempts by reason', () => {
    const collector = new Collector(PLAN);
    const lease = leaseOf(task(0, START));
    collector.submitted(lease.task, ACCEPTED, START);
    collector.started(lease, AGENT, START + 100, true);
    collector.finished(lease, AGENT, { ...FAILURE, error: 'rate_limited' }, 'retried', START + 200, START + 100);
    collector.started(lease, AGENT, START + 5_000, false);
    collector.requeued(lease, AGENT, 'expired', START + 6_000, false);
    collector.started(lease, AGENT, START + 7_000, false);
    collector.finished(lease, AGENT, FAILURE, 'dead', START + 8_000, START + 7_000);
    collector.finished(lease, AGENT, SUCCESS, 'superseded', START + 9_000, NaN);
    const data = collector.sample(START + 10_000, fleetSample(), 0, ledgerCounts());
    expect(data.performance.waitTime).toBe(100);
    expect(data.errors).toEqual({ rate: 1, byType: { rate_limited: 1, lease_expired: 1, executor_failed: 1 } });
    expect(collector.tally.counts).toMatchObject({ failed: 1, retried: 1, expired: 1, superseded: 1, completed: 0 });
    expect(collector.tally.responseLatency().count).toBe(1);
  });

  it('fails a task for good when its last attempt expires', () => {
    const collector = new Collector(PLAN);
    const lease = leaseOf(task(0, START), 3);
    collector.submitted(lease.task, ACCEPTED, START);
    collector.requeued(lease, AGENT, 'expired', START + 500, true);
    expect(collector.tally.counts).toMatchObject({ failed: 1, expired: 1 });
    expect(collector.sample(START + SECOND, fleetSample(), 0, ledgerCounts()).errors.rate).toBe(1);
  });

  it('tells no more than sixteen reasons apart', () => {
    const collector = new Collector(PLAN);
    for (let i = 0; i < 40; i += 1) {
      collector.finished(
        leaseOf(task(i, START)),
        AGENT,
        { ...FAILURE, error: `odd ${i}` },
        'retried',
        START + i,
        START,
      );
    }
    const { byType } = collector.sample(START + SECOND, fleetSample(), 0, ledgerCounts()).errors;
    expect(Object.keys(byType)).toHaveLength(17);
    expect(byType['other']).toBe(24);
  });

  it('does not take a standstill for silence', () => {
    const collector = new Collector(PLAN);
    feed(collector, 0, 5);
    const idle = collector.sample(START + 100 * SECOND, fleetSample(), 0, ledgerCounts());
    expect(idle.performance.latency.p99).toBeNaN();
    expect(idle.performance.waitTime).toBe(0);
    collector.sample(START + 101 * SECOND, fleetSample(), 0, ledgerCounts({ queued: 3 }));
    const stuck = collector.sample(START + 131 * SECOND, fleetSample(), 0, ledgerCounts({ queued: 3 }));
    expect(stuck.performance).toMatchObject({ latency: { p99: 30_000 }, waitTime: 30_000, queueDepth: 3 });
    expect(collector.scalingInputs(START + 131 * SECOND).avgWaitMs).toBe(30_000);
  });

  it('gives the worst dispatch lag of the last second and the network’s bytes per second', () => {
    const collector = new Collector(PLAN);
    collector.submitted(task(0, START), ACCEPTED, START + 7);
    collector.submitted(task(1, START), ACCEPTED, START + 3);
    const first = collector.sample(START + SECOND, fleetSample({ networkBytes: 5_000 }), 0, ledgerCounts());
    const second = collector.sample(START + 3 * SECOND, fleetSample({ networkBytes: 9_000 }), 0, ledgerCounts());
    expect([first.performance.dispatchLag, second.performance.dispatchLag]).toEqual([7, 0]);
    expect([first.resources.networkIO, second.resources.networkIO]).toEqual([5_000, 2_000]);
  });

  it('tells the autoscaler means over the window, refused demand included', () => {
    const collector = new Collector(PLAN);
    expect(collector.scalingInputs(START)).toMatchObject({ queueDepth: 0, errorRate: 0, agents: 0, meanServiceMs: 0 });
    feed(collector, 0, 58);
    for (let i = 0; i < 60; i += 1) collector.submitted(task(600 + i, START), SHED, START + 58_500);
    for (const [i, queued] of [30, 90].entries()) {
      collector.sample(START + (59 + i) * SECOND, fleetSample({ cpu: 0.72, target: 12 }), 0, ledgerCounts({ queued }));
    }
    expect(collector.scalingInputs(START + 60 * SECOND)).toEqual({
      queueDepth: 2,
      avgWaitMs: 20,
      cpu: expect.closeTo((58 * 0.12 + 2 * 0.72) / 60, 9),
      errorRate: 0,
      offeredPerMin: 640,
      refusedPerMin: 60,
      agents: 12,
      readyAgents: 10,
      meanServiceMs: expect.closeTo(100, 9) as number,
    });
  });

  it('counts canaries answered within the target', () => {
    const collector = new Collector(PLAN);
    collector.canarySent(0, START);
    collector.canarySent(1, START + SECOND);
    collector.canaryAnswered(0, START, START + 4_000);
    collector.canaryAnswered(1, START + SECOND, START + 7_000);
    expect(collector.tally.availability(START + MINUTE)).toEqual({ canaries: 2, answered: 2, withinTarget: 1 });
  });

  it('agrees with the queue it watches, and with Little, in a simulated run', async () => {
    const parts = experiment({ durationMs: 10 * MINUTE, ratePerMin: 1_800, simulation: { failureRate: 0.05 } });
    const collector = new Collector(parts);
    const { clock, queue, fleet, generator } = core(parts, [collector]);
    fleet.deploy(parts.fleet.agents);
    generator.start();
    const end = START + 12 * MINUTE;
    clock.every(250, () => queue.sweep());
    clock.every(SECOND, () => {
      collector.sample(clock.now(), fleet.sample(), 0, queue.counts());
      expect(identityHolds(queue.counts())).toBe(true);
    });
    clock.at(end, () => clock.stop());
    await clock.run();
    const counts = queue.counts();
    expect(counts.submitted).toBe(18_000);
    expect(collector.tally.counts).toMatchObject({
      submitted: counts.submitted,
      completed: counts.completed,
      failed: counts.failed,
      retried: counts.retried,
      shed: counts.shed,
    });
    expect(collector.tally.littlesLaw(end).error).toBeLessThan(1e-6);
    expect(collector.tally.throughput.avg).toBeGreaterThan(1_795);
    expect(collector.tally.service.mean).toBeCloseTo(1_000, -2);
  });
});
