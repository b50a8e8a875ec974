import type { FleetSample } from '../agents/port.js';
import { SECOND } from '../kernel/units.js';
import type { FleetRules } from '../spec/experiment.js';

/** How long after a fault the fleet may be below its floor (design.md §2, «Stable»). */
const FAULT_GRACE_MS = 30 * SECOND;

/** What the fleet did, from one look a second. */
export interface FleetSummary {
  /** Most agents that existed at once. */
  readonly deployed: number;
  /** Most and fewest ready agents in the steady window; NaN when it was never looked at. */
  readonly maxActive: number;
  readonly minActive: number;
  /** Busy slots ÷ slots of active agents in the steady window, 0–1. */
  readonly utilization: number;
  /** Mean CPU of the active agents in the steady window, 0–1. */
  readonly cpu: number;
  /** Integral of the number of agents that existed, agents × s. */
  readonly agentSeconds: number;
  readonly restarts: number;
  readonly recycled: number;
  readonly stable: {
    /** Fewest ready agents while the load ran. */
    readonly minActive: number;
    /** Time with fewer ready agents than the floor, the grace after faults left out, ms. */
    readonly belowFloorMs: number;
    /** Longest such time in a row, ms. */
    readonly longestBelowFloorMs: number;
    /** Time below the floor within the grace after faults, ms. */
    readonly excusedMs: number;
  };
}

interface FleetState {
  samples: number;
  lastAt: number;
  deployed: number;
  maxActive: number;
  minActive: number;
  busySlots: number;
  slots: number;
  cpu: number;
  /** Samples with an agent to measure. */
  cpuSamples: number;
  steadySamples: number;
  agentMs: number;
  restarts: number;
  recycled: number;
  minActiveUnderLoad: number;
  belowFloorMs: number;
  belowSinceMs: number;
  longestBelowFloorMs: number;
  excusedMs: number;
  graceUntil: number;
}

export type FleetTallyJson = Readonly<FleetState>;

/** Where in the run a sample was taken. */
export interface SampleContext {
  /** In the steady window, and not paused. */
  readonly steady: boolean;
  /** The load has not ended. */
  readonly underLoad: boolean;
  /** Agents that are to be ready now. */
  readonly floor: number;
}

/** Adds up the fleet's samples; each stands for the time since the one before. */
export class FleetTally {
  private state: FleetState;

  constructor(startedAt: number) {
    this.state = {
      samples: 0,
      lastAt: startedAt,
      deployed: 0,
      maxActive: 0,
      minActive: Number.MAX_SAFE_INTEGER,
      busySlots: 0,
      slots: 0,
      cpu: 0,
      cpuSamples: 0,
      steadySamples: 0,
      agentMs: 0,
      restarts: 0,
      recycled: 0,
      minActiveUnderLoad: Number.MAX_SAFE_INTEGER,
      belowFloorMs: 0,
      belowSinceMs: 0,
      longestBelowFloorMs: 0,
      excusedMs: 0,
      graceUntil: startedAt - 1,
    };
  }

  sample(now: number, fleet: FleetSample, context: SampleContext): void {
    const { state } = this;
    const elapsed = now - state.lastAt;
    state.samples += 1;
    state.lastAt = now;
    state.agentMs += fleet.total * elapsed;
    state.restarts = fleet.restarts;
    state.recycled = fleet.recycled;
    if (fleet.total > state.deployed) state.deployed = fleet.total;
    if (context.steady) this.addSteady(fleet);
    if (context.underLoad) this.checkFloor(now, elapsed, fleet.active, context.floor);
  }

  /** A fault was injected at `at`, lasting until `endsAt`: being below the floor is excused until 30 s after it. */
  faultAt(at: number, endsAt = at): void {
    this.state.graceUntil = Math.max(this.state.graceUntil, endsAt + FAULT_GRACE_MS);
  }

  get summary(): FleetSummary {
    const { state } = this;
    const { samples, steadySamples } = state;
    return {
      deployed: state.deployed,
      maxActive: steadySamples > 0 ? state.maxActive : NaN,
      minActive: steadySamples > 0 ? state.minActive : NaN,
      utilization: state.busySlots / state.slots,
      cpu: state.cpu / state.cpuSamples,
      agentSeconds: state.agentMs / SECOND,
      restarts: state.restarts,
      recycled: state.recycled,
      stable: {
        minActive: samples > 0 ? state.minActiveUnderLoad : NaN,
        belowFloorMs: state.belowFloorMs,
        longestBelowFloorMs: samples > 0 ? state.longestBelowFloorMs : NaN,
        excusedMs: state.excusedMs,
      },
    };
  }

  toJSON(): FleetTallyJson {
    return { ...this.state };
  }

  restore(json: FleetTallyJson): void {
    this.state = { ...json };
  }

  /** The run is taken up again at `at`: there was no fleet in between. */
  takeUp(at: number): void {
    this.state.lastAt = at;
    this.state.belowSinceMs = 0;
  }

  private addSteady(fleet: FleetSample): void {
    const { state } = this;
    state.steadySamples += 1;
    state.busySlots += fleet.busySlots;
    state.slots += fleet.slots;
    if (!Number.isNaN(fleet.cpu)) {
      state.cpu += fleet.cpu;
      state.cpuSamples += 1;
    }
    if (fleet.active > state.maxActive) state.maxActive = fleet.active;
    if (fleet.active < state.minActive) state.minActive = fleet.active;
  }

  private checkFloor(now: number, elapsed: number, active: number, floor: number): void {
    const { state } = this;
    if (active < state.minActiveUnderLoad) state.minActiveUnderLoad = active;
    if (active >= floor) {
      state.belowSinceMs = 0;
    } else if (now <= state.graceUntil) {
      state.belowSinceMs = 0;
      state.excusedMs += elapsed;
    } else {
      state.belowFloorMs += elapsed;
      state.belowSinceMs += elapsed;
      if (state.belowSinceMs > state.longestBelowFloorMs) state.longestBelowFloorMs = state.belowSinceMs;
    }
  }
}

/** Agents that are to be ready `runTimeMs` after the start: the stage's where the fleet is stepped, else the phase's. */
export function floorAt(fleet: FleetRules, runTimeMs: number): number {
  const stage = fleet.stages.find(({ startMs, endMs }) => runTimeMs >= startMs && runTimeMs < endMs);
  return stage?.agents ?? fleet.agents;
}
