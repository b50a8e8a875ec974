import type { MonitorName } from '../spec/experiment.js';
import { ConnectionPoolMonitor } from './connection-pool.js';
import type { ExperimentData } from './data.js';
import type { EventSink } from './events.js';
import { MemoryLeakMonitor } from './memory-leak.js';

/** As in `report.json`'s `monitors`. */
export interface MonitorFinding {
  monitor: string;
  finding: string;
  value: number;
  unit: string;
  ok: boolean;
}

export interface MonitorOptions {
  readonly monitors: readonly MonitorName[];
  /** Memory at which an agent is recycled (`fleet.recycle.maxMemoryBytes`). */
  readonly recycleLimitBytes: number;
}

/** The monitors a run asks for, fed once a second; a change of what one of them finds is an event. */
export class Monitors {
  private readonly watched: readonly Watched[];

  constructor(
    { monitors, recycleLimitBytes }: MonitorOptions,
    private readonly emit: EventSink,
  ) {
    this.watched = [...new Set(monitors)].map((name) =>
      name === 'memory_leak'
        ? memoryLeak(new MemoryLeakMonitor(recycleLimitBytes))
        : connectionPool(new ConnectionPoolMonitor()),
    );
  }

  observe(data: ExperimentData): void {
    for (const watched of this.watched) {
      if (!watched.observe(data)) continue;
      const { state } = watched.look();
      if (state === watched.state) continue;
      watched.state = state;
      const { monitor, finding, value } = findingOf(watched);
      this.emit({ type: 'monitor', at: data.timestamp, monitor, finding, value });
    }
  }

  /** What the monitors have found so far. A run too short to tell is not held against the fleet. */
  findings(): MonitorFinding[] {
    return this.watched.map(findingOf);
  }
}

/** One monitor behind a face common to all. */
interface Watched {
  readonly monitor: MonitorName;
  readonly unit: string;
  observe(data: ExperimentData): boolean;
  look(): { readonly state: string; readonly value: number; readonly finding: string };
  state: string;
}

function findingOf(watched: Watched): MonitorFinding {
  const { monitor, unit } = watched;
  const { state, value, finding } = watched.look();
  return { monitor, finding, value, unit, ok: state === 'unknown' || state === 'steady' };
}

function memoryLeak(monitor: MemoryLeakMonitor): Watched {
  return {
    monitor: 'memory_leak',
    unit: 'MiB/h per agent',
    observe: (data) => monitor.observe(data),
    look: () => ({ state: monitor.state().state, value: monitor.state().mibPerHour, finding: monitor.finding() }),
    state: 'unknown',
  };
}

function connectionPool(monitor: ConnectionPoolMonitor): Watched {
  return {
    monitor: 'connection_pool',
    unit: 'connections per agent',
    observe: (data) => monitor.observe(data),
    look: () => ({ state: monitor.state().state, value: monitor.state().perAgent, finding: monitor.finding() }),
    state: 'unknown',
  };
}
