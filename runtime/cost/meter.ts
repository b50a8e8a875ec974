import type { Experiment } from '../spec/experiment.js';
import { AgentTimeCount, type AgentTime } from './agent-time.js';
import { CostModel, type CostEstimate, type ResourceUse } from './cost-model.js';
import { PRICES, type PriceTable } from './price-table.js';
import { defaultSizing } from './deployment-sizing.js';
import type { Sizing } from './sizing.js';

/** What a meter has counted; another one of the same run goes on from it. */
export interface MeterReading extends ResourceUse {
  /** For how long there were how many agents; absent = the first part of it was not counted. */
  readonly agentTime?: readonly AgentTime[];
}

export interface CostMeterOptions {
  readonly experiment: Experiment;
  /** When the meter starts to run, in the same clock as {@link CostMeter.advance}, ms. */
  readonly startMs: number;
  /** Agents there are at the start. */
  readonly agents: number;
  /** What an earlier process of the same run has used. */
  readonly used?: MeterReading;
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
  private agents: number;
  /** Up to when agents have been counted: only where their number changes, for the sake of speed. */
  private countedMs: number;
  private readonly count: AgentTimeCount | null;
  /** Undefined until an agent has reported something: till then the plan's figure holds. */
  private modelUsd: number | undefined;

  /** Throws PRICE_UNKNOWN when the table lacks a price. */
  constructor({ experiment, startMs, agents, used, prices, sizing }: CostMeterOptions) {
    this.model = new CostModel(experiment, prices ?? PRICES, sizing ?? defaultSizing(experiment));
    this.startMs = startMs - (used?.elapsedMs ?? 0);
    this.agentNodeMs = used?.agentNodeMs ?? 0;
    this.lastMs = startMs;
    this.modelUsd = used?.modelUsd;
    this.nodes = this.model.nodes(agents);
    this.agents = agents;
    this.countedMs = startMs;
    const unknown = used !== undefined && used.elapsedMs > 0 && used.agentTime === undefined;
    this.count = unknown ? null : new AgentTimeCount(used?.agentTime);
  }

  /** Says that from `nowMs` on there are so many agents; the time up to it is charged at the number before. */
  advance(nowMs: number, agents: number): void {
    if (nowMs < this.lastMs) throw new RangeError(`a meter cannot run backwards, from ${this.lastMs} to ${nowMs} ms`);
    this.agentNodeMs += this.nodes * (nowMs - this.lastMs);
    this.lastMs = nowMs;
    if (agents === this.agents) return;
    this.count?.add(this.agents, nowMs - this.countedMs);
    this.countedMs = nowMs;
    this.agents = agents;
    this.nodes = this.model.nodes(agents);
  }

  /** Adds what an attempt has cost at its models, US dollars. */
  charge(usd: number): void {
    this.modelUsd = (this.modelUsd ?? 0) + usd;
  }

  /** US dollars up to the last call of {@link advance}. */
  get totalUsd(): number {
    return this.model.totalUsd(this.use);
  }

  /** The bill up to the last call of {@link advance}, part by part. */
  estimate(): CostEstimate {
    return this.model.estimate(this.use);
  }

  /** For how long there were how many agents, up to the last call of {@link advance}; null = not known. */
  get agentTime(): AgentTime[] | null {
    if (this.count === null) return null;
    const upToNow = new AgentTimeCount(this.count.times);
    upToNow.add(this.agents, this.lastMs - this.countedMs);
    return upToNow.times;
  }

  /** What has been used up to the last call of {@link advance}; a meter of another process goes on from it. */
  get used(): MeterReading {
    const { agentTime } = this;
    return { ...this.use, ...(agentTime === null ? {} : { agentTime }) };
  }

  private get use(): ResourceUse {
    const { modelUsd } = this;
    return {
      elapsedMs: this.lastMs - this.startMs,
      agentNodeMs: this.agentNodeMs,
      ...(modelUsd === undefined ? {} : { modelUsd }),
    };
  }
}
