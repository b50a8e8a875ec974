import { MINUTE, SECOND } from '../kernel/units.js';
import type { ExperimentData } from './data.js';
import type { ExperimentEvent } from './events.js';

/** How far the fleet can still grow; what a capacity review compares with. */
export interface FleetCapacity {
  /** Most agents the autoscaler may ask for. */
  readonly maxAgents: number;
  readonly slotsPerAgent: number;
  /** Share of its slots an agent is planned with. */
  readonly headroom: number;
}

/** What a diagnostics bundle looks back over, one row every five seconds. */
const WINDOW_MS = 5 * MINUTE;
const STEP_MS = 5 * SECOND;
const LAST_EVENTS = 30;

interface Row {
  readonly at: number;
  readonly [column: string]: number | null;
}

/**
 * Keeps the last five minutes of metrics and the last events, and turns them into the bundles that the alert actions
 * `investigate` and `review_capacity` leave behind as `diagnostics` events.
 */
export class Diagnostics {
  private readonly rows: Row[] = [];
  private readonly events: ExperimentEvent[] = [];

  constructor(private readonly capacity: FleetCapacity) {}

  observe(data: ExperimentData): void {
    const last = this.rows.at(-1);
    if (last !== undefined && data.timestamp - last.at < STEP_MS) return;
    this.rows.push(row(data));
    while ((this.rows[0] as Row).at < data.timestamp - WINDOW_MS) this.rows.shift();
  }

  note(event: ExperimentEvent): void {
    // Bundles hold events; a bundle within a bundle would grow without end.
    if (event.type === 'diagnostics') return;
    this.events.push(event);
    if (this.events.length > LAST_EVENTS) this.events.shift();
  }

  /** What somebody who looks into a slow or failing fleet asks for first. */
  investigation(fleet: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return { kind: 'investigation', window: [...this.rows], events: [...this.events], fleet };
  }

  /** How much of the fleet is used and how much growth is left, now. */
  capacityReview(data: ExperimentData): Readonly<Record<string, unknown>> {
    const { maxAgents, slotsPerAgent, headroom } = this.capacity;
    const { agents, performance } = data;
    return {
      kind: 'capacity_review',
      agents: agents.total,
      active: agents.active,
      target: agents.target,
      maxAgents,
      agentsLeft: Math.max(0, maxAgents - agents.total),
      utilization: value(agents.busySlots / agents.slots),
      agentsForBusySlots: Math.ceil(agents.busySlots / (slotsPerAgent * headroom)),
      queueDepth: value(performance.queueDepth),
      offeredPerMin: value(performance.offered),
      throughputPerMin: value(performance.throughput),
      shedPerMin: value(performance.shed),
    };
  }
}

function row({ timestamp, agents, performance, resources, errors }: ExperimentData): Row {
  return {
    at: timestamp,
    active: value(agents.active),
    error: value(agents.error),
    target: value(agents.target),
    busySlots: value(agents.busySlots),
    slots: value(agents.slots),
    offered: value(performance.offered),
    throughput: value(performance.throughput),
    shed: value(performance.shed),
    p50: value(performance.latency.p50),
    p99: value(performance.latency.p99),
    queueDepth: value(performance.queueDepth),
    waitTime: value(performance.waitTime),
    cpu: value(resources.cpuTotal),
    errorRate: value(errors.rate),
  };
}

/** JSON knows no NaN: what was not measured is null. */
function value(measured: number): number | null {
  return Number.isFinite(measured) ? measured : null;
}
