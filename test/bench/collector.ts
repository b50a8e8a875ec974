/**
 * What watching costs: `npx tsx test/bench/collector.ts` feeds an hour of 500 and one of 50,000 tasks a minute to
 * collector and audit and prints, as its last line, JSON with the cost per task (ns) and per sample (µs).
 */
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { LedgerAudit } from '../../runtime/observe/audit.js';
import { Collector } from '../../runtime/observe/collector.js';
import { hash32 } from '../../runtime/kernel/random.js';
import type { Lease, SubmitOutcome } from '../../runtime/queue/port.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';
import { fleetSample, ledgerCounts } from '../observe/samples.js';

const AGENT = { id: 'a1', incarnation: 1, zone: 'A' };
const SUCCESS = { status: 'success', error: null, retryAfterMs: 0 } as const;
const IN_FLIGHT_MS = 38 * SECOND;

function measure(ratePerMin: number, minutes: number): { nsPerTask: number; usPerSample: number } {
  const parts = experiment({ durationMs: minutes * MINUTE, ratePerMin });
  const collector = new Collector(parts);
  const audit = new LedgerAudit();
  const start = parts.startAtMs;
  const gap = MINUTE / ratePerMin;
  const inFlight = Math.round(IN_FLIGHT_MS / gap);
  const leases: Lease[] = [];
  const accepted: SubmitOutcome = { accepted: true, enqueuedAt: 0 };
  const tasks = ratePerMin * minutes;
  let index = 0;
  let taskNs = 0n;
  let sampleNs = 0n;
  for (let second = 1; second <= minutes * 60; second += 1) {
    const now = start + second * SECOND;
    const before = process.hrtime.bigint();
    for (; index < tasks && start + index * gap <= now; index += 1) {
      const at = start + index * gap;
      const lease = {
        attemptId: 'x',
        attempt: 1,
        task: { index, type: 0, priority: (index & 3) as Priority, scheduledAt: at },
      };
      const wait = hash32(1, index, 1) % 1_000;
      collector.submitted(lease.task, accepted, at);
      audit.answered(index, accepted);
      collector.started(lease, AGENT, at + wait / 1_000, true);
      leases[index % inFlight] ??= lease;
      const done = leases[index % inFlight] as Lease;
      if (done === lease) continue;
      audit.result(done.task.index, 'x', 'success');
      audit.finished(done, AGENT, SUCCESS, 'counted');
      collector.finished(done, AGENT, SUCCESS, 'counted', at, at - 20_000 - wait);
      leases[index % inFlight] = lease;
    }
    const between = process.hrtime.bigint();
    collector.sample(now, fleetSample(), 1, ledgerCounts());
    taskNs += between - before;
    sampleNs += process.hrtime.bigint() - between;
  }
  return { nsPerTask: Math.round(Number(taskNs) / tasks), usPerSample: Number(sampleNs) / 1_000 / (minutes * 60) };
}

measure(5_000, 60);
const small = measure(500, 72 * 60);
const large = measure(50_000, 60);
const seconds = (2_300_000 * small.nsPerTask) / 1e9 + (259_200 * small.usPerSample) / 1e6;
console.log(JSON.stringify({ small, large, phase3Seconds: seconds }));
