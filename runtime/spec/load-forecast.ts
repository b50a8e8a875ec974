import { agentSteps, type AgentStep } from './capacity.js';
import { allenCunneen, quantileOfTail, waitTail } from './erlang.js';
import type { Experiment, LoadSegment, ScalingMode } from './experiment.js';
import { serviceDistribution, type ServiceDistribution } from './service-distribution.js';
import {
  allBusy,
  cellTail,
  ServiceHorizon,
  transientPath,
  type TransientCell,
  type TransientInput,
} from './transient.js';

/** What a load segment is expected to do to the fleet. Counts are tasks, times milliseconds. */
export interface SegmentForecast {
  readonly segment: LoadSegment;
  /** Agents at the end of the segment. */
  readonly agents: number;
  readonly slots: number;
  /** Slots the load keeps busy (Little's law, failed attempts included); may exceed `slots`. */
  readonly busySlots: number;
  readonly utilisation: number;
  /** Wait that 99 % of the tasks admitted in the segment do not exceed. */
  readonly p99WaitMs: number;
  /** `both`: transient while a backlog was worked off, M/M/c after it. */
  readonly method: 'M/M/c' | 'transient' | 'both';
  readonly backlogAtEnd: number;
  readonly backlogPeak: number;
  readonly refused: number;
}

/** What the forecast is asked to change about the experiment. */
export interface WhatIf {
  /** Floor of the fleet instead of the experiment's. */
  readonly agents?: number;
  /** All rates are multiplied by this. */
  readonly rateFactor?: number;
  /** Scaling mode instead of the experiment's. */
  readonly mode?: ScalingMode;
  /** Only the segments that touch this part of the run, which starts empty. */
  readonly window?: { readonly startMs: number; readonly endMs: number };
}

/** A segment this many mean service times long has a steady state worth speaking of. */
const STEADY_AFTER = 10;
/** Cells of a segment its wait is computed from, at most. */
const MOST_SAMPLES = 96;
/** Chances below this do not count. */
const NEGLIGIBLE = 1e-6;

/**
 * Follows the whole run and forecasts every load segment. Segments of at least ten mean service times with a
 * utilisation below 1 are judged by M/M/c with the Allen–Cunneen factor, except for the time in which they still
 * work off a backlog; all others by the transient calculation.
 */
export function forecastLoad(experiment: Experiment, whatIf: WhatIf = {}): readonly SegmentForecast[] {
  const { tasks, fleet } = experiment;
  const service = serviceDistribution(tasks);
  const attempts = attemptsPerTask(experiment);
  const changed = changedExperiment(experiment, whatIf);
  const { startMs, endMs } = whatIf.window ?? { startMs: 0, endMs: experiment.durationMs };
  const segments = clipped(changed.load.segments, startMs, endMs);
  const busyAt = (ratePerMin: number): number => busySlotsOf(ratePerMin, attempts, service);
  const steps = clipped(agentSteps(changed, busyAt, whatIf.agents), startMs, endMs);
  const input: TransientInput = {
    startMs,
    endMs,
    segments,
    capacity: steps.map((step) => ({ ...step, slots: step.agents * fleet.slots })),
    service,
    arrivals: experiment.load.process,
    attempts,
    shares: tasks.priorityShares,
    maxWaiting: (slots) => maxWaiting(experiment, slots, service),
    refuses: experiment.queue.admission === null ? 'alike' : 'least_important',
  };
  const accounts = segments.map((segment, index) => new SegmentAccount(segment, stretchMs(segments, index), attempts));
  const horizon = new ServiceHorizon(tasks.priorityShares, service.meanMs, startMs);
  gather(accounts, horizon, transientPath(input));
  const judge = new WaitJudge(experiment, input, horizon);
  return accounts.map((account) => forecastOf(account, steps, fleet.slots, busyAt(account.segment.ratePerMin), judge));
}

function changedExperiment(experiment: Experiment, { rateFactor = 1, mode }: WhatIf): Experiment {
  const segments = experiment.load.segments.map((one) => ({ ...one, ratePerMin: one.ratePerMin * rateFactor }));
  return {
    ...experiment,
    load: { ...experiment.load, segments },
    scaling: { ...experiment.scaling, mode: mode ?? experiment.scaling.mode },
  };
}

function clipped<Step extends { readonly startMs: number; readonly endMs: number }>(
  steps: readonly Step[],
  startMs: number,
  endMs: number,
): readonly Step[] {
  return steps
    .filter((step) => step.endMs > startMs && step.startMs < endMs)
    .map((step) => ({ ...step, startMs: Math.max(startMs, step.startMs), endMs: Math.min(endMs, step.endMs) }));
}

/** Mean number of attempts a task takes: (1 − pⁿ)/(1 − p) for a chance p that an attempt fails and n attempts. */
export function attemptsPerTask(experiment: Experiment): number {
  const { failureRate, rateLimitRate } = experiment.simulation;
  const p = 1 - (1 - failureRate) * (1 - rateLimitRate);
  const most = experiment.queue.maxAttempts;
  return p >= 1 ? most : (1 - p ** most) / (1 - p);
}

/** Little's law: slots that a rate of new tasks keeps busy. */
function busySlotsOf(ratePerMin: number, attempts: number, service: ServiceDistribution): number {
  return (ratePerMin / 60_000) * attempts * service.meanMs;
}

/** Most tasks that may wait: the queue's bound, and with admission what the slots finish in the longest wait. */
function maxWaiting(experiment: Experiment, slots: number, service: ServiceDistribution): number {
  const { bound, admission } = experiment.queue;
  return admission === null ? bound : Math.min(bound, (slots / service.meanMs) * admission.maxWaitMs);
}

/** Length of the neighbourhood of segments with the same rate: a load cut in pieces is still the same load. */
function stretchMs(segments: readonly LoadSegment[], index: number): number {
  const rate = (segments[index] as LoadSegment).ratePerMin;
  let from = index;
  let to = index;
  while (segments[from - 1]?.ratePerMin === rate) from -= 1;
  while (segments[to + 1]?.ratePerMin === rate) to += 1;
  return (segments[to] as LoadSegment).endMs - (segments[from] as LoadSegment).startMs;
}

/** What the cells tell about one segment. */
class SegmentAccount {
  readonly parts: { readonly cell: TransientCell; readonly weightMs: number }[] = [];
  backlogAtEnd = 0;
  backlogPeak = 0;
  refusedAttempts = 0;

  constructor(
    readonly segment: LoadSegment,
    readonly stretchMs: number,
    private readonly attempts: number,
  ) {}

  add(cell: TransientCell, overlapMs: number): void {
    const backlog = total(cell.waiting);
    this.parts.push({ cell, weightMs: overlapMs });
    // A cell that lies mostly in the next segment says little about the end of this one.
    if (overlapMs >= (cell.endMs - cell.startMs) / 2 || this.parts.length === 1) this.backlogAtEnd = backlog;
    this.backlogPeak = Math.max(this.backlogPeak, backlog);
    const offered = cell.offeredPerMs * (cell.endMs - cell.startMs);
    const own = (this.segment.ratePerMin / 60_000) * this.attempts * overlapMs;
    if (offered > 0) this.refusedAttempts += (total(cell.refused) * own) / offered;
  }
}

function gather(accounts: readonly SegmentAccount[], horizon: ServiceHorizon, cells: Iterable<TransientCell>): void {
  let first = 0;
  for (const cell of cells) {
    horizon.add(cell);
    while (first < accounts.length && (accounts[first] as SegmentAccount).segment.endMs <= cell.startMs) first += 1;
    for (let i = first; i < accounts.length; i += 1) {
      const account = accounts[i] as SegmentAccount;
      if (account.segment.startMs >= cell.endMs) break;
      const { startMs, endMs } = account.segment;
      account.add(cell, Math.min(endMs, cell.endMs) - Math.max(startMs, cell.startMs));
    }
  }
}

type Tail = (priority: number, afterMs: number) => number;

/** Computes the P99 wait of a segment from its cells. */
class WaitJudge {
  private readonly variability: number;
  private readonly shares: readonly number[];
  private readonly steadyTails = new Map<string, (afterMs: number) => number>();

  constructor(
    private readonly experiment: Experiment,
    private readonly input: TransientInput,
    private readonly horizon: ServiceHorizon,
  ) {
    this.variability = allenCunneen(input.arrivals, input.service.scv);
    this.shares = input.shares;
  }

  get meanServiceMs(): number {
    return this.input.service.meanMs;
  }

  get attempts(): number {
    return this.input.attempts;
  }

  p99Wait(account: SegmentAccount, steady: boolean, busySlots: number): Pick<SegmentForecast, 'p99WaitMs' | 'method'> {
    const limitMs = this.experiment.queue.admission?.maxWaitMs ?? Infinity;
    let weight = 0;
    /** Weight of time judged by M/M/c, by the slots there were. */
    const steadyMs = new Map<number, number>();
    const waits: { readonly weights: readonly number[]; readonly tail: Tail }[] = [];
    for (const { cell, weightMs } of thinned(account.parts)) {
      const admitted = this.admittedShares(cell);
      weight += total(admitted) * weightMs;
      if (steady && total(cell.waiting) < 1 && busySlots < cell.slots) {
        steadyMs.set(cell.slots, (steadyMs.get(cell.slots) ?? 0) + weightMs);
        continue;
      }
      if (total(cell.waiting) < 1 && allBusy(cell) < NEGLIGIBLE) continue;
      const tail = cellTail(cell, this.horizon, this.input.service.meanMs, this.variability, this.shares);
      waits.push({ weights: admitted.map((share) => share * weightMs), tail });
    }
    const method = !steady ? 'transient' : waits.length === 0 ? 'M/M/c' : 'both';
    if (weight <= 0) return { p99WaitMs: 0, method };
    const steadyTails = [...steadyMs].map(([slots, ms]) => ({ ms, tail: this.steadyTail(slots, busySlots) }));
    const tail = (afterMs: number): number => {
      let beyond = 0;
      for (const part of steadyTails) beyond += part.ms * part.tail(afterMs);
      for (const part of waits) {
        part.weights.forEach((share, priority) => {
          if (share > 0) beyond += share * part.tail(priority, afterMs);
        });
      }
      return beyond / weight;
    };
    return { p99WaitMs: Math.min(limitMs, quantileOfTail(tail, 0.99)), method };
  }

  /** Share of all offered tasks that was admitted in the cell, by priority. */
  private admittedShares(cell: TransientCell): readonly number[] {
    const offered = cell.offeredPerMs * (cell.endMs - cell.startMs);
    if (offered <= 0) return this.shares.map(() => 0);
    return this.shares.map((share, priority) => Math.max(0, share - (cell.refused[priority] as number) / offered));
  }

  private steadyTail(slots: number, busySlots: number): (afterMs: number) => number {
    const key = `${slots} ${busySlots}`;
    const known = this.steadyTails.get(key);
    if (known !== undefined) return known;
    const tail = waitTail({
      servers: slots,
      offeredLoad: busySlots,
      meanServiceMs: this.input.service.meanMs,
      variability: this.variability,
      shares: this.shares,
    });
    this.steadyTails.set(key, tail);
    return tail;
  }
}

function forecastOf(
  account: SegmentAccount,
  steps: readonly AgentStep[],
  slotsPerAgent: number,
  busySlots: number,
  judge: WaitJudge,
): SegmentForecast {
  const { segment } = account;
  const agents = (steps.find((step) => step.endMs >= segment.endMs) ?? steps.at(-1))?.agents ?? 0;
  const slots = agents * slotsPerAgent;
  const steady = account.stretchMs >= STEADY_AFTER * judge.meanServiceMs && busySlots < slots;
  return {
    segment,
    agents,
    slots,
    busySlots,
    utilisation: busySlots / slots,
    ...judge.p99Wait(account, steady, busySlots),
    backlogAtEnd: account.backlogAtEnd,
    backlogPeak: account.backlogPeak,
    refused: account.refusedAttempts / judge.attempts,
  };
}

function thinned(
  parts: readonly { readonly cell: TransientCell; readonly weightMs: number }[],
): readonly { readonly cell: TransientCell; readonly weightMs: number }[] {
  const stride = Math.ceil(parts.length / MOST_SAMPLES);
  if (stride <= 1) return parts;
  const kept: { cell: TransientCell; weightMs: number }[] = [];
  for (let i = 0; i < parts.length; i += stride) {
    const block = parts.slice(i, i + stride);
    const middle = block[block.length >> 1] as (typeof block)[number];
    kept.push({ cell: middle.cell, weightMs: block.reduce((sum, part) => sum + part.weightMs, 0) });
  }
  return kept;
}

function total(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
