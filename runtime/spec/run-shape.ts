import { wallClock } from './calendar.js';
import type {
  CriterionName,
  Expectation,
  FleetStage,
  LoadSegment,
  MonitorName,
  ScalingMode,
  ScenarioName,
} from './experiment.js';
import { burstyLoad, curveLoad, followedBy, patternLoad, stagedLoad } from './load-plan.js';
import type { CompleteOptions } from './options.js';
import type { ExperimentOverrides } from './overrides.js';
import { PHASES } from './phases.js';
import { ALL_BUT_LINEARITY } from './scenarios.js';
import type { InjectionOptions } from './schema-chaos.js';
import type { BurstOptions } from './schema-scenarios.js';
import { capacityPerMin, meanServiceMs } from './window.js';

/** What a phase and a scenario differ in: load, length, agents, faults, and what is asked of the run. */
export interface RunShape {
  readonly title: string;
  readonly agents: number;
  readonly durationMs: number;
  readonly segments: readonly LoadSegment[];
  readonly steadyRatePerMin: number;
  readonly stages: readonly FleetStage[];
  readonly expect: Expectation | null;
  readonly admission: { readonly maxWaitMs: number } | null;
  readonly scaling: ScalingMode | null;
  readonly chaos: { readonly enabled: boolean; readonly injections: readonly InjectionOptions[] };
  readonly monitors: readonly MonitorName[];
  /** What the scenario adds to the memory model; null = nothing. */
  readonly leakPerTaskBytes: number | null;
  readonly judged: readonly CriterionName[];
}

/** Seed and start of the run: all the chance and time a load plan may depend on. */
interface RunOrigin {
  readonly seed: number;
  readonly startAtMs: number;
}

/** A task mix with its units converted, for the mean service time. */
export function meanServiceOf(options: CompleteOptions): number {
  const types = Object.values(options.tasks.types).map(({ share, mean }) => ({ share, meanMs: mean }));
  return meanServiceMs({ types });
}

/** The run of the phase itself. */
export function phaseShape(options: CompleteOptions, overrides: ExperimentOverrides, { seed }: RunOrigin): RunShape {
  const durationMs = Math.round(overrides.duration ?? options.duration);
  const ratePerMin = overrides.rate ?? options.load.rate;
  const { admission } = options.queue;
  return {
    title: PHASES[options.phase]?.title ?? `Phase ${options.phase}`,
    agents: overrides.agents ?? options.agents,
    durationMs,
    segments: burstyLoad(durationMs, ratePerMin, burstsAbove(options.load.bursts, ratePerMin), seed),
    steadyRatePerMin: ratePerMin,
    stages: [],
    expect: options.expect,
    admission: admission === null ? null : { maxWaitMs: admission.maxWait },
    scaling: null,
    chaos: { enabled: overrides.chaos ?? options.chaos.enabled, injections: options.chaos.injections },
    monitors: [],
    leakPerTaskBytes: null,
    judged: ALL_BUT_LINEARITY,
  };
}

/** The run of a scenario on the stack of `options`. */
export function scenarioShape(
  name: ScenarioName,
  options: CompleteOptions,
  overrides: ExperimentOverrides,
  origin: RunOrigin,
): RunShape {
  const scenario = options.scenarios[name];
  const admission = scenario.admission ?? options.queue.admission;
  // A scenario without faults of its own, run with --chaos, takes the stack's.
  const injections =
    scenario.injections.length > 0 ? scenario.injections : overrides.chaos === true ? options.chaos.injections : [];
  return {
    title: `Scenario ${name}: ${scenario.name}`,
    agents: overrides.agents ?? (scenario.stages === null ? scenario.agents : Math.max(...scenario.stages.agents)),
    ...scenarioLoad(name, options, overrides, origin),
    expect: scenario.expect,
    admission: admission === null ? null : { maxWaitMs: admission.maxWait },
    scaling: scenario.scaling,
    chaos: { enabled: overrides.chaos ?? injections.length > 0, injections },
    monitors: scenario.monitor,
    leakPerTaskBytes: scenario.leakPerTask,
    judged: scenario.judged,
  };
}

/** How long a scenario runs when no flag says otherwise, ms; null when neither it nor its shape says. */
export function naturalDurationMs(scenario: CompleteOptions['scenarios'][ScenarioName]): number | null {
  const { stages, pattern, repeat, duration, recovery } = scenario;
  if (stages !== null) return stages.agents.length * stages.each;
  if (pattern !== null) return repeat * pattern.reduce((sum, step) => sum + step.duration, 0);
  return duration === null ? null : duration + (recovery?.duration ?? 0);
}

type ScenarioLoad = Pick<RunShape, 'durationMs' | 'segments' | 'steadyRatePerMin' | 'stages'>;

function scenarioLoad(
  name: ScenarioName,
  options: CompleteOptions,
  overrides: ExperimentOverrides,
  origin: RunOrigin,
): ScenarioLoad {
  const { stages, pattern, curve } = options.scenarios[name];
  const durationMs = Math.round(overrides.duration ?? naturalDurationMs(options.scenarios[name]) ?? options.duration);
  if (stages !== null) return stagesShape(options, stages, durationMs, overrides.agents);
  if (pattern !== null) return patternShape(pattern, durationMs, overrides.rate);
  const ratePerMin = overrides.rate ?? options.scenarios[name].rate ?? options.load.rate;
  if (curve === null)
    return constantShape(options.scenarios[name], options.load.rate, durationMs, overrides, origin.seed);
  const { daily, timeZone } = options.predictiveScaling.patterns;
  const drawn = { peakPerMin: ratePerMin, low: curve.low, stepMs: curve.step, peakHours: daily.peakHours };
  const segments = curveLoad(durationMs, origin.startAtMs, drawn, wallClock(timeZone));
  return { durationMs, segments, steadyRatePerMin: ratePerMin, stages: [] };
}

/** Stages of equal length: a shorter run has shorter stages, not fewer, and `--agents` is the largest of them. */
function stagesShape(
  options: CompleteOptions,
  plan: { readonly agents: readonly number[]; readonly each: number; readonly ramp: number; readonly load: number },
  durationMs: number,
  agents: number | undefined,
): ScenarioLoad {
  const scale = agents === undefined ? 1 : agents / Math.max(...plan.agents);
  const eachMs = durationMs / plan.agents.length;
  const stages = plan.agents.map((size, index) => ({
    startMs: Math.round(index * eachMs),
    endMs: Math.round((index + 1) * eachMs),
    agents: Math.max(1, Math.round(size * scale)),
  }));
  const serviceMs = meanServiceOf(options);
  const saturating = (size: number): number =>
    Math.round(plan.load * capacityPerMin(size * options.fleet.slots, serviceMs) * 100) / 100;
  const segments = stagedLoad(stages, Math.round((plan.ramp / plan.each) * eachMs), saturating);
  return { durationMs, segments, steadyRatePerMin: saturating(stages.at(-1)?.agents ?? 1), stages };
}

/** `rate` replaces the pattern's lowest rate; steps above it stay. */
function patternShape(
  pattern: readonly { readonly rate: number; readonly duration: number }[],
  durationMs: number,
  rate: number | undefined,
): ScenarioLoad {
  const lowest = Math.min(...pattern.map((step) => step.rate));
  const steadyRatePerMin = rate ?? lowest;
  const steps = pattern.map((step) => ({
    ratePerMin: step.rate === lowest ? steadyRatePerMin : Math.max(step.rate, steadyRatePerMin),
    durationMs: step.duration,
  }));
  return { durationMs, segments: patternLoad(durationMs, steps), steadyRatePerMin, stages: [] };
}

/** Longest part of a run shortened by a flag that its recovery may take. */
const LONGEST_RECOVERY_SHARE = 0.2;

function constantShape(
  scenario: CompleteOptions['scenarios'][ScenarioName],
  phaseRatePerMin: number,
  durationMs: number,
  overrides: ExperimentOverrides,
  seed: number,
): ScenarioLoad {
  const ratePerMin = overrides.rate ?? scenario.rate ?? phaseRatePerMin;
  const label = scenario.expect === 'graceful_degradation' ? 'overload' : 'steady';
  const { recovery } = scenario;
  const recoveryMs =
    recovery === null ? 0 : Math.round(Math.min(recovery.duration, durationMs * LONGEST_RECOVERY_SHARE));
  const loaded = burstyLoad(durationMs - recoveryMs, ratePerMin, burstsAbove(scenario.bursts, ratePerMin), seed, label);
  if (recovery === null) return { durationMs, segments: loaded, steadyRatePerMin: ratePerMin, stages: [] };
  // With --rate the recovery keeps its proportion, so that it is still what the fleet can do.
  const recoveryPerMin = recovery.rate * (ratePerMin / (scenario.rate ?? ratePerMin));
  return {
    durationMs,
    segments: followedBy(loaded, durationMs, recoveryPerMin, 'recovery'),
    steadyRatePerMin: ratePerMin,
    stages: [],
  };
}

function burstsAbove(bursts: BurstOptions | null, ratePerMin: number): BurstOptions | null {
  return bursts !== null && bursts.rate > ratePerMin ? bursts : null;
}
