import { MINUTE } from '../kernel/units.js';
import type { Experiment, FleetStage } from '../spec/experiment.js';
import { meanServiceMs } from '../spec/window.js';

/** What one stage of a stepped fleet carried while it was saturated. */
export interface StageThroughput {
  /** Agents the stage was declared with. */
  readonly agents: number;
  /** Tasks completed in the measured part of the stage, per minute; NaN when it was not reached. */
  readonly throughputPerMin: number;
}

export interface StageJson {
  readonly completed: readonly number[];
  readonly measuredMs: readonly number[];
}

/**
 * Counts completions by stage (`fleet.stages`, the scenario scale_out). The beginning of a stage is not measured: the
 * load segment `ramp` it opens with; where there is none, the time in which its agents come (on new nodes) and two
 * mean service times, until what was begun before is over, but never more than half of the stage.
 */
export class StageTally {
  private readonly stages: ReadonlyArray<FleetStage & { readonly from: number }>;
  private readonly completedCount: number[];
  private readonly measuredMs: number[];

  constructor(experiment: Experiment) {
    this.stages = experiment.fleet.stages.map((stage) => ({ ...stage, from: measuredFrom(stage, experiment) }));
    this.completedCount = this.stages.map(() => 0);
    this.measuredMs = this.stages.map(() => 0);
  }

  /** `runTimeMs`: run time without pauses. */
  completed(runTimeMs: number): void {
    if (this.stages.length === 0) return;
    const stage = this.at(runTimeMs);
    if (stage >= 0) this.completedCount[stage] = (this.completedCount[stage] as number) + 1;
  }

  /** The run has come to `runTimeMs`. */
  advance(runTimeMs: number): void {
    if (this.stages.length === 0) return;
    const stage = this.at(runTimeMs);
    if (stage >= 0) this.measuredMs[stage] = runTimeMs - (this.stages[stage] as { from: number }).from;
  }

  /** The stages that were reached. */
  get summary(): StageThroughput[] {
    return this.stages
      .map(({ agents }, i) => ({
        agents,
        throughputPerMin: (this.completedCount[i] as number) / ((this.measuredMs[i] as number) / MINUTE),
      }))
      .filter(({ throughputPerMin }) => Number.isFinite(throughputPerMin));
  }

  toJSON(): StageJson {
    return { completed: [...this.completedCount], measuredMs: [...this.measuredMs] };
  }

  restore(json: StageJson): void {
    json.completed.forEach((count, i) => (this.completedCount[i] = count));
    json.measuredMs.forEach((ms, i) => (this.measuredMs[i] = ms));
  }

  private at(runTimeMs: number): number {
    return this.stages.findIndex(({ from, endMs }) => runTimeMs > from && runTimeMs <= endMs);
  }
}

function measuredFrom({ startMs, endMs }: FleetStage, { fleet, load, tasks }: Experiment): number {
  const ramp = load.segments.find((segment) => segment.label === 'ramp' && segment.startMs === startMs);
  if (ramp !== undefined) return ramp.endMs;
  return startMs + Math.min(fleet.nodeStartupMs + 2 * meanServiceMs(tasks), (endMs - startMs) / 2);
}
