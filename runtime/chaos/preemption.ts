import type { Clock } from '../kernel/clock.js';
import { Aborted } from '../kernel/clock.js';
import type { Random } from '../kernel/random.js';
import { DAY } from '../kernel/units.js';
import type { EventSink, FaultRecord } from '../observe/events.js';
import type { FleetRules } from '../spec/experiment.js';
import { newFaultRecord, type FaultBook } from './fault-book.js';
import type { FaultSurface } from './port.js';

/** A node that Spot will take away, if the fleet is that large by then. */
export interface PlannedPreemption {
  /** From the start of the run, ms. */
  readonly atMs: number;
  /** Position of the node, from 0, uniform over the nodes of the largest fleet. */
  readonly node: number;
}

/** Nodes of the largest fleet the rules allow. */
export function mostNodes(fleet: FleetRules): number {
  return Math.ceil(Math.max(fleet.max, fleet.agents + fleet.reserve) / fleet.agentsPerNode);
}

/**
 * Spot pre-emptions of a run as a Poisson process, `preemptedPerDay` per node and day. It is drawn for the largest
 * fleet; a drawn node that the fleet does not have at that time is not pre-empted (thinning, Lewis and Shedler 1979),
 * so that the rate follows the fleet as it grows and shrinks, without a draw more or less.
 */
export function* planPreemptions(fleet: FleetRules, durationMs: number, random: Random): Generator<PlannedPreemption> {
  const nodes = mostNodes(fleet);
  const perDay = nodes * fleet.spot.preemptedPerDay;
  if (!fleet.spot.enabled || !(perDay > 0)) return;
  for (let atMs = random.exponential(DAY / perDay); atMs < durationMs; atMs += random.exponential(DAY / perDay)) {
    yield { atMs, node: random.below(nodes) };
  }
}

export interface PreemptionOptions {
  readonly fleet: FleetRules;
  /** Length of the run, ms. */
  readonly durationMs: number;
  /** How far the run is already, ms: more than 0 where it is taken up from a snapshot. @default 0 */
  readonly elapsedMs?: number;
  readonly clock: Clock;
  /** Stream of pre-emptions alone. */
  readonly random: Random;
  readonly surface: Pick<FaultSurface, 'agents' | 'heldBy' | 'preempt'>;
  readonly book: FaultBook;
  readonly emit: EventSink;
  readonly onInjected: (fault: FaultRecord, heldTasks: readonly number[]) => void;
  readonly onEnded: (faultId: string, at: number) => void;
}

/**
 * The simulated platform's part: takes nodes away by plan, whatever state the run is in, and enters each as an
 * involuntary fault. Resolves at the end of the plan, or when `signal` aborts.
 */
export async function runPreemptions(options: PreemptionOptions, signal: AbortSignal): Promise<void> {
  const { fleet, durationMs, elapsedMs = 0, clock, random } = options;
  const start = clock.now() - elapsedMs;
  try {
    for (const { atMs, node } of planPreemptions(fleet, durationMs, random)) {
      if (atMs < elapsedMs) continue;
      await clock.sleep(start + atMs - clock.now(), signal);
      await preempt(options, node);
    }
  } catch (error) {
    if (!(error instanceof Aborted)) throw error;
  }
}

async function preempt(options: PreemptionOptions, position: number): Promise<void> {
  const { fleet, clock, surface, book, emit, onInjected, onEnded } = options;
  const agents = await surface.agents();
  const node = [...new Set(agents.map((agent) => agent.node))].sort()[position];
  if (node === undefined) return;
  const subjects = agents.filter((agent) => agent.node === node).map((agent) => agent.id);
  const held = await surface.heldBy(subjects);
  await surface.preempt(subjects, fleet.nodeStartupMs);
  const at = clock.now();
  const id = book.nextId();
  const record = book.enter(
    'injected',
    at,
    newFaultRecord({
      id,
      type: 'preemption',
      voluntary: false,
      injectedAt: at,
      endedAt: at,
      subjects,
      tasksHeld: held.length,
      detail: `node ${node} pre-empted with ${subjects.length} agents`,
    }),
  );
  emit({ type: 'agents', at, change: 'preempted', agents: subjects, reason: `node ${node} was pre-empted` });
  onInjected(record, held);
  onEnded(id, at);
}
