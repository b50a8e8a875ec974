import { readFileSync } from 'node:fs';
import type { Clock, Timer } from '../../kernel/clock.js';

/** What is measured of a process. */
export interface Measured {
  readonly pid: number | undefined;
  memoryBytes: number | null;
}

/** The processes are gone through once in so long, a few at a time: a look at two hundred at once would be felt. */
const ROUND_MS = 1_000;
const TURNS = 10;
/** The proportional set size costs the kernel a walk through the whole memory: of each process once in so long. */
const MEMORY_EVERY_MS = 30_000;
/** Ticks of /proc/PID/stat in a second; the same on every Linux. */
const TICKS_PER_S = 100;

interface Sample {
  readonly at: number;
  readonly ticks: number;
  /** Cores used since the sample before; NaN for the first. */
  readonly cores: number;
  /** When the proportional set size was looked at. */
  memoryAt: number;
}

/**
 * Measures CPU and memory of processes from /proc. Nothing where there is none: the fleet then goes by its model, as it
 * does for agents that are not processes.
 */
export class ProcessUsage {
  private readonly samples = new Map<number, Sample>();
  private timer: Timer | null = null;
  private turn = 0;

  /** @param processes those there are at the moment. */
  constructor(
    private readonly clock: Clock,
    private readonly processes: () => readonly Measured[],
  ) {}

  start(): void {
    this.timer = this.clock.every(ROUND_MS / TURNS, () => {
      this.look();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Mean cores of a process, and the memory of all; null until something has been measured. */
  total(): { readonly cores: number; readonly memoryBytes: number } | null {
    let [cores, measured, memoryBytes] = [0, 0, 0];
    for (const process of this.processes()) {
      const sample = process.pid === undefined ? undefined : this.samples.get(process.pid);
      if (sample !== undefined && !Number.isNaN(sample.cores)) {
        cores += sample.cores;
        measured += 1;
      }
      memoryBytes += process.memoryBytes ?? 0;
    }
    return measured === 0 ? null : { cores: cores / measured, memoryBytes };
  }

  private look(): void {
    const all = this.processes();
    this.turn = (this.turn + 1) % TURNS;
    if (this.turn === 0) this.forget(all);
    for (let i = this.turn; i < all.length; i += TURNS) this.measureCpu(all[i] as Measured);
    this.measureMemory(all);
  }

  private measureCpu(process: Measured): void {
    const { pid } = process;
    const stat = pid === undefined ? null : read(`/proc/${pid}/stat`);
    if (pid === undefined || stat === null) return;
    // The name, in parentheses, may hold anything; what follows it does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const at = this.clock.now();
    const before = this.samples.get(pid);
    const cores = before === undefined ? NaN : (ticks - before.ticks) / TICKS_PER_S / ((at - before.at) / 1_000);
    this.samples.set(pid, { at, ticks, cores, memoryAt: before?.memoryAt ?? -Infinity });
    process.memoryBytes ??= kilobytes(pid, 'status', 'VmRSS');
  }

  /** One process in a turn at most. */
  private measureMemory(all: readonly Measured[]): void {
    const before = this.clock.now() - MEMORY_EVERY_MS;
    for (const process of all) {
      const sample = process.pid === undefined ? undefined : this.samples.get(process.pid);
      if (sample === undefined || process.pid === undefined || sample.memoryAt > before) continue;
      sample.memoryAt = this.clock.now();
      process.memoryBytes = kilobytes(process.pid, 'smaps_rollup', 'Pss') ?? process.memoryBytes;
      return;
    }
  }

  private forget(all: readonly Measured[]): void {
    const alive = new Set(all.map(({ pid }) => pid));
    for (const pid of this.samples.keys()) if (!alive.has(pid)) this.samples.delete(pid);
  }
}

/** A field of a file of the process, bytes; null where there is none. */
function kilobytes(pid: number, file: string, field: string): number | null {
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(read(`/proc/${pid}/${file}`) ?? '') ?? [];
  return kib === undefined ? null : Number(kib) * 1_024;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
