import type { Random } from '../kernel/random.js';
import type { FaultRecord } from '../observe/events.js';
import type { ChaosRules, FaultType, Injection } from '../spec/experiment.js';

/** A fault that is to be injected, and when. */
export interface PlannedFault {
  /** From the start of the run, ms. */
  readonly atMs: number;
  /** End, from the start of the run, ms; equal to `atMs` for a fault that does not last. */
  readonly endMs: number;
  readonly type: FaultType;
  readonly injection: Injection;
  /**
   * Chance of this fault alone (which agents, which zone), 32 bits: what happens to one fault does not shift what
   * another one hits.
   */
  readonly seed: number;
}

/** Faults whose effect stays until it is undone; the others happen once and the platform mends them. */
const LASTING: Readonly<Record<FaultType, boolean>> = {
  agent_kill: false,
  coordinator_failover: false,
  redis_primary_kill: false,
  network_delay: true,
  network_partition: true,
  zone_outage: true,
  slow_agents: true,
  rate_limit: true,
};

/** Does a fault of this type last until it is undone? */
export function isLasting(type: FaultType): boolean {
  return LASTING[type];
}

/** Faults that take the tasks of the agents they hit away from them. */
const CUTS_OFF: ReadonlySet<string> = new Set<FaultType | 'preemption'>([
  'agent_kill',
  'zone_outage',
  'network_partition',
  'preemption',
]);

/** Does it take the tasks of the agents it hits away from them? Delays and refusals only slow them down. */
export function cutsOff(type: FaultRecord['type']): boolean {
  return CUTS_OFF.has(type);
}

/**
 * The faults of a run in order of time, as a stream: `every` gives the first after one interval, `at` names single
 * times. Every fault ends before the run does, and two of one type never overlap or touch: the later one is left
 * out. Faults of different types may coincide. Nothing is planned while the rules are off.
 *
 * @param durationMs length of the run
 * @param random drawn from once per fault yielded
 */
export function* planFaults(rules: ChaosRules, durationMs: number, random: Random): Generator<PlannedFault> {
  if (!rules.enabled) return;
  const lines = rules.injections.map((injection) => new Line(injection));
  const busyUntil = new Map<FaultType, number>();
  for (;;) {
    const line = earliest(lines);
    if (line === null || line.nextMs >= durationMs) return;
    const atMs = line.nextMs;
    line.advance();
    const { type } = line.injection;
    const endMs = atMs + (isLasting(type) ? line.injection.durationMs : 0);
    if (endMs >= durationMs || atMs <= (busyUntil.get(type) ?? -1)) continue;
    busyUntil.set(type, endMs);
    yield { atMs, endMs, type, injection: line.injection, seed: random.uint32() };
  }
}

/** The times of one injection, one after the other. */
class Line {
  /** Infinity when there are no more. */
  nextMs: number;
  private readonly single: number[];
  private repeated = 0;

  constructor(readonly injection: Injection) {
    this.single = injection.atMs.filter((atMs) => atMs >= 0).sort((a, b) => a - b);
    this.nextMs = this.following();
  }

  advance(): void {
    this.nextMs = this.following();
  }

  private following(): number {
    const { everyMs } = this.injection;
    // Multiplied, not added up: after 72 h a sum of fractions would have drifted.
    const repeatMs = everyMs !== null && everyMs > 0 ? everyMs * (this.repeated + 1) : Infinity;
    const singleMs = this.single[0] ?? Infinity;
    if (singleMs <= repeatMs) this.single.shift();
    else this.repeated += 1;
    return Math.min(singleMs, repeatMs);
  }
}

/** The line whose next time is first; of several, the one that stands first in the spec. */
function earliest(lines: readonly Line[]): Line | null {
  let first: Line | null = null;
  for (const line of lines) {
    if (line.nextMs < (first?.nextMs ?? Infinity)) first = line;
  }
  return first;
}
