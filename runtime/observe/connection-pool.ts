import { MINUTE, SECOND } from '../kernel/units.js';
import type { ExperimentData } from './data.js';
import { MergingWindows } from './merging-windows.js';
import { duration, number, TOO_SHORT } from './wording.js';

const MOST_WINDOWS = 240;
const FEWEST_WINDOWS = 5;
/** So many minutes in a row must show it. */
const LEAK_MINUTES = 5;
/** Connections per agent above this multiple of what the run usually needs are leaked ones. */
const LEAK_FACTOR = 1.2;
/** Fewer connections than active agents for this long is a pool that is too small or broken. */
const SHORTAGE_MS = MINUTE;
const GAP_MS = 10 * SECOND;

export interface ConnectionTrend {
  readonly state: 'unknown' | 'steady' | 'leak' | 'shortage';
  /** Connections per active agent in the last minute; 0 while unknown. */
  readonly perAgent: number;
}

/**
 * Watches the connections between agents and queue: more and more of them without more agents is a leak, fewer than
 * there are active agents a shortage. What an agent usually needs is the lower decile of the run's minutes, which a
 * leak hardly moves. A leak or shortage once seen stays a finding of the run.
 */
export class ConnectionPoolMonitor {
  private readonly windows = new MergingWindows<Mean>(MOST_WINDOWS, addUp);
  private current: Mean = { connections: 0, agents: 0 };
  private windowEndsAt: number | null = null;
  private lastAt = -Infinity;
  private perAgent = 0;
  private minutes = 0;
  private leakingMinutes = 0;
  private shortSince: number | null = null;
  /** The worst seen so far; null = never. */
  private leak: { perAgent: number; usual: number } | null = null;
  private shortage: { ms: number; missing: number } | null = null;
  private missing = 0;

  /** True when the state may have changed. */
  observe({ timestamp: at, agents, resources }: ExperimentData): boolean {
    const { connections } = resources;
    if (!Number.isFinite(connections) || !Number.isFinite(agents.active)) return false;
    if (at - this.lastAt > GAP_MS) this.shortSince = null;
    this.lastAt = at;
    const short = this.watchShortage(at, agents.active - connections);
    this.current.connections += connections;
    this.current.agents += agents.active;
    this.windowEndsAt ??= at + MINUTE;
    if (at < this.windowEndsAt) return short;
    this.windowEndsAt = at + MINUTE;
    this.closeMinute();
    return true;
  }

  state(): ConnectionTrend {
    const { perAgent } = this;
    if (this.shortage !== null) return { state: 'shortage', perAgent };
    if (this.leak !== null) return { state: 'leak', perAgent };
    return { state: this.minutes < FEWEST_WINDOWS ? 'unknown' : 'steady', perAgent };
  }

  finding(): string {
    const parts: string[] = [];
    if (this.shortage !== null) {
      const { ms, missing } = this.shortage;
      parts.push(`shortage: up to ${number(missing)} fewer connections than active agents, for ${duration(ms)}`);
    }
    if (this.leak !== null) {
      const { perAgent, usual } = this.leak;
      parts.push(`leak: ${number(perAgent, 2)} connections per agent where ${number(usual, 2)} are usual`);
    }
    if (parts.length > 0) return parts.join('; ');
    if (this.minutes < FEWEST_WINDOWS) return `${TOO_SHORT}: at least ${FEWEST_WINDOWS} minutes are needed`;
    return `steady: ${number(this.perAgent, 2)} connections per agent`;
  }

  private watchShortage(at: number, missing: number): boolean {
    if (missing <= 0) {
      this.shortSince = null;
      this.missing = 0;
      return false;
    }
    this.shortSince ??= at;
    this.missing = Math.max(this.missing, missing);
    const ms = at - this.shortSince;
    if (ms < SHORTAGE_MS) return false;
    const first = this.shortage === null;
    if (this.shortage === null || ms > this.shortage.ms) this.shortage = { ms, missing: this.missing };
    return first;
  }

  private closeMinute(): void {
    const { connections, agents } = this.current;
    this.current = { connections: 0, agents: 0 };
    if (agents === 0) return;
    this.minutes += 1;
    this.perAgent = connections / agents;
    this.windows.push({ connections, agents });
    const usual = lowerDecile(this.windows.all().map((mean) => mean.connections / mean.agents));
    this.leakingMinutes = this.perAgent > usual * LEAK_FACTOR ? this.leakingMinutes + 1 : 0;
    if (this.leakingMinutes >= LEAK_MINUTES && this.perAgent > (this.leak?.perAgent ?? 0)) {
      this.leak = { perAgent: this.perAgent, usual };
    }
  }
}

/** Sums over the seconds of a window; their quotient is its mean. */
interface Mean {
  connections: number;
  agents: number;
}

function addUp(a: Mean, b: Mean): Mean {
  return { connections: a.connections + b.connections, agents: a.agents + b.agents };
}

/** Infinity for an empty list: then nothing is above it. */
function lowerDecile(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) / 10)] ?? Infinity;
}
