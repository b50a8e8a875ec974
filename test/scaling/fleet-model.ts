import type { FleetActuator, FleetSample } from '../../runtime/agents/port.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import { AutoScaler, type AutoScalerOptions } from '../../runtime/scaling/autoscaler.js';
import type { ScalingInputs } from '../../runtime/scaling/port.js';
import type { FleetRules, Load, ScalingRules } from '../../runtime/spec/experiment.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { meanRatePerMin } from '../../runtime/scaling/feed-forward.js';
import { MEAN_SERVICE_MS, MONDAY } from './rules.js';

const STEP_MS = 5 * SECOND;
const QUEUE_BOUND = 500;

/** An actuator that only notes what it is told. */
export class RecordingActuator implements FleetActuator {
  readonly written: number[] = [];

  constructor(public target: number) {}

  sample(): FleetSample {
    return {
      total: this.target,
      target: this.target,
      active: this.target,
      idle: 0,
      error: 0,
      slots: 0,
      busySlots: 0,
      byZone: {},
      cpu: 0,
      memoryBytes: 0,
      networkBytes: 0,
      connections: 0,
      restarts: 0,
      recycled: 0,
    };
  }

  scaleTo(agents: number): void {
    this.written.push(agents);
    this.target = agents;
  }
}

export interface ModelOptions {
  readonly rules: ScalingRules;
  readonly fleet: FleetRules;
  readonly load: Load;
  readonly startAgents: number;
  readonly scaler?: Partial<AutoScalerOptions>;
  /** CPU of the fleet by its share of busy slots. */
  readonly cpuOf?: (busyShare: number) => number;
  /** Multiplies the arrivals of each step: noise. */
  readonly noise?: (step: number) => number;
}

export interface ModelMinute {
  readonly at: number;
  readonly agents: number;
  readonly ready: number;
  readonly queue: number;
  readonly refused: number;
}

export interface ModelRun {
  readonly minutes: readonly ModelMinute[];
  readonly changes: ReadonlyArray<{
    readonly at: number;
    readonly from: number;
    readonly to: number;
    readonly reason: string;
    readonly mode: string;
  }>;
  readonly scaler: AutoScaler;
}

/**
 * A queue and its slots as fluids (the mean of M/M/c where many slots make chance small), closed over the real
 * autoscaler: arrivals, a bounded queue, exponential service, agents that take their start-up time.
 */
export function runModel(options: ModelOptions): ModelRun {
  const { rules, fleet, load } = options;
  const cpuOf = options.cpuOf ?? ((share) => 0.02 + 0.1 * fleet.slots * share);
  const actuator = new RecordingActuator(options.startAgents);
  const changes: Array<ModelRun['changes'][number]> = [];
  const emit = (event: ExperimentEvent): void => {
    if (event.type === 'scaling' && event.decision.from !== event.decision.to)
      changes.push({ at: event.at - MONDAY, ...event.decision });
  };
  const scaler = new AutoScaler({
    rules,
    fleet,
    load,
    startAtMs: MONDAY,
    mixMeanMs: MEAN_SERVICE_MS,
    actuator,
    emit,
    onHalt: () => undefined,
    ...options.scaler,
  });

  let ready = options.startAgents;
  let starting: Array<{ readyAt: number; agents: number }> = [];
  let queue = 0;
  let busy = 0;
  const window: Array<{ queue: number; wait: number; cpu: number; offered: number; refused: number }> = [];
  const minutes: ModelMinute[] = [];
  const end = load.segments.at(-1)?.endMs ?? 0;

  for (let step = 0; step * STEP_MS < end; step += 1) {
    const at = step * STEP_MS;
    const offered =
      ((meanRatePerMin(load.segments, at, at + STEP_MS) * STEP_MS) / MINUTE) * (options.noise?.(step) ?? 1);
    for (const batch of starting) if (batch.readyAt <= at) ready += batch.agents;
    starting = starting.filter((batch) => batch.readyAt > at);

    const slots = ready * fleet.slots;
    busy -= busy * (1 - Math.exp(-STEP_MS / MEAN_SERVICE_MS));
    const taken = Math.max(0, Math.min(queue + offered, slots - busy));
    busy += taken;
    queue += offered - taken;
    const refused = Math.max(0, queue - QUEUE_BOUND);
    queue -= refused;

    const drainPerMs = slots / MEAN_SERVICE_MS;
    window.push({ queue, wait: queue / drainPerMs, cpu: cpuOf(slots === 0 ? 0 : busy / slots), offered, refused });
    if (window.length > MINUTE / STEP_MS) window.shift();
    scaler.recordArrivals(MONDAY + at, offered);

    const after = at + STEP_MS;
    if (after % rules.evaluateMs === 0) {
      const before = actuator.target;
      scaler.evaluate(MONDAY + after, inputsOf(window, before, ready), {
        running: true,
        experimentMode: true,
        halted: false,
      });
      const change = actuator.target - before;
      if (change > 0) starting.push({ readyAt: after + fleet.nodeStartupMs, agents: change });
      if (change < 0) ready = Math.min(ready, actuator.target);
    }
    if (after % MINUTE === 0) minutes.push({ at: after, agents: actuator.target, ready, queue, refused });
  }
  return { minutes, changes, scaler };
}

function inputsOf(
  window: ReadonlyArray<{ queue: number; wait: number; cpu: number; offered: number; refused: number }>,
  agents: number,
  readyAgents: number,
): ScalingInputs {
  const mean = (pick: (sample: (typeof window)[number]) => number): number =>
    window.reduce((sum, sample) => sum + pick(sample), 0) / window.length;
  const perMin = MINUTE / STEP_MS;
  return {
    queueDepth: mean((sample) => sample.queue),
    avgWaitMs: mean((sample) => sample.wait),
    cpu: mean((sample) => sample.cpu),
    errorRate: 0,
    offeredPerMin: mean((sample) => sample.offered) * perMin,
    refusedPerMin: mean((sample) => sample.refused) * perMin,
    agents,
    readyAgents,
    meanServiceMs: MEAN_SERVICE_MS,
  };
}

/** Minutes in which tasks waited longer than the response target of 5 s, or were refused. */
export function overloadedMinutes(run: ModelRun, fleet: FleetRules): number {
  return run.minutes.filter(
    ({ queue, ready, refused }) => refused > 0 || (queue * MEAN_SERVICE_MS) / (ready * fleet.slots) > 5 * SECOND,
  ).length;
}
