import type { Experiment } from '../spec/experiment.js';
import { CostModel, type CostEstimate, type ResourceUse } from './cost-model.js';
import { PRICES, type PriceTable } from './price-table.js';
import { defaultSizing } from './deployment-sizing.js';
import type { Sizing } from './sizing.js';

export interface CostMeterOptions {
  readonly experiment: Experiment;
  /** When the meter starts to run, in the same clock as {@link CostMeter.advance}, ms. */
  readonly startMs: number;
  /** Agents there are at the start. */
  readonly agents: number;
  /** What an earlier process of the same run has used. */
  readonly used?: ResourceUse;
  /** @default the prices that come with the program */
  readonly prices?: PriceTable;
  /** @default what the default deployment of the experiment has */
  readonly sizing?: Sizing;
}

/**
 * Adds up what a run has cost so far, with the estimator's own figures: a run of constant agents costs at its end
 * exactly what was estimated. A run that uses no cluster (rehearsal, local) is told what it would cost on one.
 */
export class CostMeter {
  private readonly model: CostModel;
  private readonly startMs: number;
  private agentNodeMs: number;
  private lastMs: number;
  private nodes: number;

  /** Throws PRICE_UNKNOWN when the table lacks a price. */
  constructor({ experiment, startMs, agents, used, prices, sizing }: CostMeterOptions) {
    this.model = new CostModel(experiment, prices ?? PRICES, sizing ?? defaultSizing(experiment));
    this.startMs = startMs - (used?.elapsedMs ?? 0);
    this.agentNodeMs = used?.agentNodeMs ?? 0;
    this.lastMs = startMs;
    this.nodes = this.model.nodes(agents);
  }

  /** Says that from `nowMs` on there are so many agents; the time up to it is charged at the number before. */
  advance(nowMs: number, agents: number): void {
    if (nowMs < this.lastMs) throw new RangeError(`a meter cannot run backwards, from ${this.lastMs} to ${nowMs} ms`);
    this.agentNodeMs += this.nodes * (nowMs - this.lastMs);
    this.lastMs = nowMs;
    this.nodes = this.model.nodes(agents);
  }

  /** US dollars up to the last call of {@link advance}. */
  get totalUsd(): number {
    return this.model.totalUsd(this.used);
  }

  /** The bill up to the last call of {@link advance}, part by part. */
  estimate(): CostEstimate {
    return this.model.estimate(this.used);
  }

  /** What has been used up to the last call of {@link advance}; a meter of another process goes on from it. */
  get used(): ResourceUse {
    return { elapsedMs: this.lastMs - this.startMs, agentNodeMs: this.agentNodeMs };
  }
}
