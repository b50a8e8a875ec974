import { HOUR, MINUTE, SECOND } from '../kernel/units.js';
import type { ExperimentData } from './data.js';
import { MergingWindows } from './merging-windows.js';
import { duration, number, TOO_SHORT } from './wording.js';

const MIB = 2 ** 20;
/** Windows kept; one is a minute long at first, eight minutes after 72 h. */
const MOST_WINDOWS = 720;
/** Fewer windows than this say nothing about a trend. */
const FEWEST_WINDOWS = 10;
/** A window in which the fleet was left alone for less than this share of the time is left out. */
const FEWEST_SECONDS = MINUTE / 4;
/** Samples further apart are not neighbours. */
const GAP_MS = 10 * SECOND;
/** A jump of more than this share of an agent's memory is an agent that came or went. */
const AGENT_SHARE = 0.5;
/**
 * Growth up to this is no leak, MiB an hour per agent: 72 MiB in 72 h, which neither slows an agent down nor brings
 * its recycling forward.
 */
const LEAK_LIMIT_MIB_PER_HOUR = 1;

/** What the monitor knows by now. */
export interface MemoryTrend {
  readonly state: 'unknown' | 'steady' | 'leak';
  /** Growth per agent, MiB/h; 0 while unknown. */
  readonly mibPerHour: number;
  /** How long a fresh agent takes to reach the recycling limit at this growth, ms; Infinity without growth. */
  readonly untilRecycleMs: number;
}

/**
 * Finds memory that agents never give back. Recycling hides it from the fleet's total, which drops with each restart
 * just as fast as it grew; and a busy fleet needs more memory than an idle one. So growth is measured from second to
 * second, only where the fleet stayed the same (a restart shows as a change of its size, or as a jump of half an
 * agent's memory), less what the change in busy slots explains (least squares over the run). The growth of the
 * windows is summed up by their median, so that single events in few of them do not count.
 */
export class MemoryLeakMonitor {
  private readonly windows = new MergingWindows<GrowthWindow>(MOST_WINDOWS, addUp);
  private current = emptyWindow();
  private windowEndsAt: number | null = null;
  private previous: Reading | null = null;
  /** The last step; it counts once the next one shows that the fleet stayed the same. */
  private pending: Step | null = null;
  private settled = false;
  /** Sums for the least squares of memory change on change in busy slots. */
  private readonly sums = { count: 0, busy: 0, bytes: 0, busyBusy: 0, busyBytes: 0 };
  private leastBytesPerAgent = Infinity;
  private trend: MemoryTrend = { state: 'unknown', mibPerHour: 0, untilRecycleMs: Infinity };

  constructor(private readonly recycleLimitBytes: number) {}

  /** True when the trend was worked out anew: once a window. */
  observe(data: ExperimentData): boolean {
    const reading = read(data);
    this.step(reading);
    this.windowEndsAt ??= reading.at + MINUTE;
    if (reading.at < this.windowEndsAt) return false;
    this.windowEndsAt += MINUTE * Math.max(1, Math.ceil((reading.at + 1 - this.windowEndsAt) / MINUTE));
    const full = this.windows.push(this.current);
    this.current = emptyWindow();
    if (full) this.trend = this.evaluate();
    return full;
  }

  state(): MemoryTrend {
    return this.trend;
  }

  finding(): string {
    const { state, mibPerHour, untilRecycleMs } = this.trend;
    const growth = `${number(mibPerHour, 1)} MiB/h per agent`;
    if (state === 'unknown') return `${TOO_SHORT}: at least ${FEWEST_WINDOWS} undisturbed minutes are needed`;
    if (state === 'steady') return `no leak: memory changes by ${growth} (limit ${LEAK_LIMIT_MIB_PER_HOUR})`;
    const limit = `${number(this.recycleLimitBytes / MIB)} MiB`;
    return `leak: memory grows by ${growth}; an agent reaches its recycling limit of ${limit} after ${duration(untilRecycleMs)}`;
  }

  /**
   * Memory and head count need not be read at the very same instant: the steps before and after a change of the fleet
   * are left out like the change itself.
   */
  private step(now: Reading): void {
    const before = this.previous;
    this.previous = now;
    const same = before !== null && isComparable(before, now);
    if (!same) {
      this.pending = null;
      this.settled = false;
      return;
    }
    if (this.pending !== null) this.count(this.pending);
    this.pending = this.settled ? stepBetween(before, now) : null;
    this.settled = true;
  }

  private count({ ms, busy, bytes, active, perAgent }: Step): void {
    const { sums, current } = this;
    if (Math.abs(bytes - this.bytesPerBusySlot() * busy) > AGENT_SHARE * perAgent) return;
    sums.count += 1;
    sums.busy += busy;
    sums.bytes += bytes;
    sums.busyBusy += busy * busy;
    sums.busyBytes += busy * bytes;
    current.ms += ms;
    current.agentMs += ms * active;
    current.busy += busy;
    current.bytes += bytes;
    this.leastBytesPerAgent = Math.min(this.leastBytesPerAgent, perAgent);
  }

  /** What one more busy slot costs: the slope of bytes on busy slots. 0 until the load has moved. */
  private bytesPerBusySlot(): number {
    const { count, busy, bytes, busyBusy, busyBytes } = this.sums;
    const spread = busyBusy - (busy * busy) / count;
    return count < 2 || spread <= 0 ? 0 : (busyBytes - (busy * bytes) / count) / spread;
  }

  private evaluate(): MemoryTrend {
    const perBusySlot = this.bytesPerBusySlot();
    const slopes = this.windows
      .all()
      .filter(({ ms }) => ms >= FEWEST_SECONDS)
      .map(({ bytes, busy, agentMs }) => (((bytes - perBusySlot * busy) / agentMs) * HOUR) / MIB);
    if (slopes.length < FEWEST_WINDOWS) return this.trend;
    const mibPerHour = median(slopes);
    // Standard error of a median of n normal values, 1.2533 σ/√n, with σ from the median deviation (× 1.4826).
    const deviation = median(slopes.map((slope) => Math.abs(slope - mibPerHour)));
    const standardError = (1.2533 * 1.4826 * deviation) / Math.sqrt(slopes.length);
    const roomMib = Math.max(0, this.recycleLimitBytes - this.leastBytesPerAgent) / MIB;
    // Beyond doubt to become a leak, well below the limit to be none again: a value at the limit must not alternate.
    const isLeak = mibPerHour - 2 * standardError > LEAK_LIMIT_MIB_PER_HOUR;
    const wasLeak = this.trend.state === 'leak' && mibPerHour > LEAK_LIMIT_MIB_PER_HOUR / 2;
    return {
      state: isLeak || wasLeak ? 'leak' : 'steady',
      mibPerHour,
      untilRecycleMs: mibPerHour > 0 ? (roomMib / mibPerHour) * HOUR : Infinity,
    };
  }
}

interface Reading {
  readonly at: number;
  readonly bytes: number;
  readonly busySlots: number;
  readonly active: number;
  readonly total: number;
  readonly error: number;
}

function read({ timestamp, agents, resources }: ExperimentData): Reading {
  const { busySlots, active, total, error } = agents;
  return { at: timestamp, bytes: resources.memoryTotal, busySlots, active, total, error };
}

/** Was the fleet the same at both ends of a short step? */
function isComparable(before: Reading, now: Reading): boolean {
  const step = now.at - before.at;
  const sameFleet = now.active === before.active && now.total === before.total && now.error === before.error;
  return step > 0 && step <= GAP_MS && sameFleet && now.active > 0 && Number.isFinite(now.bytes - before.bytes);
}

/** What changed from one reading to the next. */
interface Step {
  readonly ms: number;
  readonly busy: number;
  readonly bytes: number;
  readonly active: number;
  readonly perAgent: number;
}

function stepBetween(before: Reading, now: Reading): Step {
  return {
    ms: now.at - before.at,
    busy: now.busySlots - before.busySlots,
    bytes: now.bytes - before.bytes,
    active: now.active,
    perAgent: now.bytes / now.active,
  };
}

/** Sums over the undisturbed seconds of a window. */
interface GrowthWindow {
  ms: number;
  agentMs: number;
  busy: number;
  bytes: number;
}

function emptyWindow(): GrowthWindow {
  return { ms: 0, agentMs: 0, busy: 0, bytes: 0 };
}

function addUp(a: GrowthWindow, b: GrowthWindow): GrowthWindow {
  return { ms: a.ms + b.ms, agentMs: a.agentMs + b.agentMs, busy: a.busy + b.busy, bytes: a.bytes + b.bytes };
}

/** Of a list that is not empty. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
