import type { FleetActuator } from '../agents/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import type { AlertEngine } from '../observe/alerts.js';
import type { Collector } from '../observe/collector.js';
import type { ExperimentData } from '../observe/data.js';
import type { Monitors } from '../observe/monitors.js';
import type { RecoveryTracker } from '../observe/recovery.js';
import type { LedgerCounts, TaskQueue } from '../queue/port.js';
import type { ProbeMeter } from './probe-meter.js';

export interface MonitorParts {
  readonly clock: Clock;
  readonly queue: TaskQueue;
  readonly counts: () => LedgerCounts;
  readonly fleet: Pick<FleetActuator, 'sample'>;
  readonly collector: Collector;
  readonly alerts: AlertEngine;
  readonly monitors: Monitors;
  readonly recovery: RecoveryTracker;
  readonly meter: ProbeMeter;
  /** US dollars up to now, with so many agents from now on. */
  readonly cost: (now: number, agents: number) => number;
  /** Canaries are sent only while there is load: what is asked is whether the service answers its users. */
  readonly underLoad: () => boolean;
  /** Every second, with the figures of that second. */
  readonly onSample: (data: ExperimentData, counts: LedgerCounts) => void;
}

/** The monitor: once a second it sends a canary, takes a sample, and shows it to all who watch. */
export class MonitorLoop {
  private timer: Timer | null = null;
  private canaries = 0;
  /** The newest sample. */
  latest: ExperimentData | null = null;

  constructor(private readonly parts: MonitorParts) {}

  start(): void {
    this.timer = this.parts.clock.every(SECOND, () => {
      this.look();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** One sample now; also the last one of a run. */
  look(): void {
    const { clock, fleet, collector, alerts, monitors, recovery, cost, underLoad, onSample } = this.parts;
    const now = clock.now();
    if (underLoad()) this.sendCanary(now);
    const sample = fleet.sample();
    const counts = this.parts.counts();
    const data = collector.sample(now, sample, cost(now, sample.total), counts);
    this.latest = data;
    const recent = collector.p99Recent(now);
    recovery.tick(now, {
      p99RecentMs: recent.p99,
      samples: recent.samples,
      queueDepth: counts.queued,
      active: sample.active,
      target: sample.target,
    });
    alerts.observe(data);
    monitors.observe(data);
    onSample(data, counts);
  }

  private sendCanary(sentAt: number): void {
    const { queue, collector, meter } = this.parts;
    const index = this.canaries;
    this.canaries += 1;
    collector.canarySent(index, sentAt);
    const sent = queue.probe({
      index,
      sentAt,
      answered: (at) => {
        collector.canaryAnswered(index, sentAt, at);
        meter.canaryAnswered(sentAt, at);
      },
    });
    // A canary that cannot even be sent is one that is not answered: it counts against availability by itself.
    if (sent instanceof Promise) sent.catch(() => undefined);
  }
}
