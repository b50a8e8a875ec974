import { ExperimentError, type Problem } from '../kernel/errors.js';
import { contradictions } from './checks.js';
import { compileExecutor } from './compile-executor.js';
import type {
  AlertRule,
  ChaosRules,
  CriterionName,
  Experiment,
  FleetRules,
  PredictiveRules,
  QueueRules,
  ScalingMetric,
  ScalingMode,
  ScalingRules,
  SimulationRules,
  StorageRules,
  Targets,
  TaskMix,
} from './experiment.js';
import { compileInjection, fitInjections } from './injections.js';
import { machineType, podsPerNode } from './machines.js';
import { withDefaults, type CompleteOptions } from './options.js';
import { checkOverrides, type ExperimentOverrides } from './overrides.js';
import { meanServiceOf, phaseShape, scenarioShape, type RunShape } from './run-shape.js';
import type { ExperimentOptions } from './schema.js';
import { CRITERION_NAMES } from './schema-scenarios.js';
import { capacityPerMin, meanOfferedPerMin, steadyWindow } from './window.js';

/**
 * The last of the three stages: options, completed with defaults and changed by flags, become the one type that
 * travels. Defaults < phase < file < scenario < flags.
 *
 * @throws ExperimentError CONFIG_INVALID when the flags are absurd or contradict the file.
 */
export function compileExperiment(options: ExperimentOptions, overrides: ExperimentOverrides = {}): Experiment {
  refuse(checkOverrides(overrides));
  if (overrides.phase !== undefined && options.phase !== undefined && overrides.phase !== options.phase) {
    refuse([
      {
        path: '--phase',
        value: String(overrides.phase),
        message: `the file is for phase ${options.phase}`,
        hint: 'take the file of that phase, or leave the flag out',
      },
    ]);
  }
  const complete = withDefaults(options, overrides.phase ?? options.phase);
  // Again, as a phase given by flag may contradict what the file says.
  refuse(contradictions(complete, options));
  return compile(complete, overrides);
}

function compile(options: CompleteOptions, overrides: ExperimentOverrides): Experiment {
  const origin = { seed: overrides.seed ?? options.seed, startAtMs: overrides.startAtMs ?? options.startAt };
  const scenario = overrides.scenario ?? options.scenario;
  const run =
    scenario === null ? phaseShape(options, overrides, origin) : scenarioShape(scenario, options, overrides, origin);
  return {
    phase: options.phase,
    scenario,
    title: run.title,
    seed: origin.seed,
    startAtMs: origin.startAtMs,
    durationMs: run.durationMs,
    load: { process: options.load.process, segments: run.segments, steadyRatePerMin: run.steadyRatePerMin },
    tasks: compileTasks(options),
    queue: compileQueue(options, run),
    ...compileFleetAndScaling(options, run, overrides),
    executor: compileExecutor(options.executor, Object.keys(options.tasks.types)),
    chaos: compileChaos(options, run),
    alerts: compileAlerts(options),
    monitors: run.monitors,
    targets: compileTargets(options, run, scenario === null && overrides.rate === undefined),
    storage: compileStorage(options),
    budget: {
      maxUsd: options.budget.max,
      maxPerHourUsd: options.budget.maxPerHour,
      region: options.region,
      modelUsdPerMillionTokens: options.budget.models,
    },
    expect: run.expect,
    simulation: compileSimulation(options, run),
  };
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new ExperimentError('CONFIG_INVALID', 'the experiment cannot be run like this', problems);
}

function compileTasks({ tasks }: CompleteOptions): TaskMix {
  const { P0, P1, P2, P3 } = tasks.priorities;
  return {
    types: Object.entries(tasks.types).map(([name, { share, mean, tokens }]) => ({
      name,
      share,
      meanMs: mean,
      tokens,
    })),
    priorityShares: [P0, P1, P2, P3],
    serviceTime: tasks.serviceTime,
    timeoutMs: tasks.timeout,
  };
}

function compileQueue({ queue }: CompleteOptions, run: RunShape): QueueRules {
  return {
    bound: queue.bound,
    maxAttempts: queue.attempts,
    backoff: { firstMs: queue.backoff.first, factor: queue.backoff.factor, maxMs: queue.backoff.max },
    leaseMs: queue.lease,
    beatMs: queue.beat,
    massExpiryShare: queue.massExpiryShare,
    admission: run.admission,
  };
}

/** The document's bounds of the fleet, where the config does not say otherwise. */
const FEWEST_AGENTS = 50;
const MOST_AGENTS = 250;

function compileFleetAndScaling(
  options: CompleteOptions,
  run: RunShape,
  overrides: ExperimentOverrides,
): { readonly fleet: FleetRules; readonly scaling: ScalingRules } {
  const { fleet, horizontalScaling } = options;
  const { scaleUp, scaleDown } = horizontalScaling.actions;
  if (scaleUp.max !== null && scaleUp.max < run.agents) {
    const path = overrides.agents === undefined ? 'horizontalScaling.actions.scaleUp.max' : '--agents';
    const message = `the run has ${run.agents} agents, the most allowed are ${scaleUp.max}`;
    refuse([
      {
        path,
        value: String(overrides.agents ?? scaleUp.max),
        message,
        hint: 'raise horizontalScaling.actions.scaleUp.max',
      },
    ]);
  }
  // A bound nobody wrote gives way, and so does the lower one: the floor of the run counts.
  const max = scaleUp.max ?? Math.max(MOST_AGENTS, run.agents);
  const min = Math.min(scaleDown.min ?? FEWEST_AGENTS, run.agents, ...run.stages.map(({ agents }) => agents));
  return {
    fleet: {
      agents: run.agents,
      reserve: reserveOf(options, run),
      min,
      max,
      slots: fleet.slots,
      zones: fleet.zones,
      machineType: fleet.machineType,
      requests: { cpuMilli: fleet.requests.cpu, memoryBytes: fleet.requests.memory },
      agentsPerNode: agentsPerNode(options),
      startupMs: fleet.startup,
      nodeStartupMs: fleet.nodeStartup,
      restartMs: fleet.restart,
      recycle: {
        maxTasks: fleet.recycle.maxTasks,
        maxAgeMs: fleet.recycle.maxAge,
        maxMemoryBytes: fleet.recycle.maxMemory,
      },
      drainTimeoutMs: fleet.drainTimeout,
      spot: fleet.spot,
      stages: run.stages,
      coordinators: fleet.coordinators,
    },
    scaling: {
      mode: scalingMode(options, run, overrides),
      evaluateMs: horizontalScaling.evaluateEvery,
      windowMs: horizontalScaling.window,
      metrics: Object.entries(horizontalScaling.triggerMetrics).map(([name, metric]) => ({
        name: name as ScalingMetric['name'],
        ...metric,
      })),
      up: { increment: scaleUp.increment, cooldownMs: scaleUp.cooldown, max },
      down: { decrement: scaleDown.decrement, cooldownMs: scaleDown.cooldown, min },
      headroom: horizontalScaling.headroom,
      predictive: compilePredictive(options),
    },
  };
}

/** Stages compare fleets of exact sizes: agents beyond them would blur what one agent is worth. */
function reserveOf(options: CompleteOptions, run: RunShape): number {
  const { fleet } = options;
  if (run.stages.length > 0) return 0;
  return fleet.reserve ?? (fleet.spot.enabled ? agentsPerNode(options) : 0);
}

/** As written, or as many as fit. At least 1: that none fits has been refused before. */
function agentsPerNode({ fleet }: CompleteOptions): number {
  const { cpu, memory } = fleet.requests;
  const machine = machineType(fleet.machineType);
  const fitting = machine === undefined ? 1 : podsPerNode(machine, { cpuMilli: cpu, memoryBytes: memory });
  return fleet.agentsPerNode ?? Math.max(1, fitting);
}

function scalingMode(
  { horizontalScaling, predictiveScaling }: CompleteOptions,
  run: RunShape,
  overrides: ExperimentOverrides,
): ScalingMode {
  const mode = overrides.scaling ?? run.scaling ?? horizontalScaling.mode ?? 'predictive';
  return mode === 'predictive' && !predictiveScaling.enabled ? 'reactive' : mode;
}

function compilePredictive({ predictiveScaling }: CompleteOptions): PredictiveRules {
  const { enabled, patterns, mlModel } = predictiveScaling;
  return {
    enabled,
    daily: { peakHours: patterns.daily.peakHours, factor: patterns.daily.scaleFactor },
    weekly: { highDays: patterns.weekly.highDays, factor: patterns.weekly.scaleFactor },
    timeZone: patterns.timeZone,
    lookbackMs: mlModel.lookback,
    horizonMs: mlModel.forecast,
    confidence: mlModel.confidence,
  };
}

function compileChaos({ chaos }: CompleteOptions, run: RunShape): ChaosRules {
  return {
    enabled: run.chaos.enabled,
    injections: run.chaos.enabled ? fitInjections(run.chaos.injections.map(compileInjection), run.durationMs) : [],
    stop: chaos.stop,
  };
}

function compileAlerts({ alerts }: CompleteOptions): AlertRule[] {
  return (['critical', 'warning'] as const).flatMap((severity) =>
    alerts[severity].map(({ name, condition, action }) => ({ name, severity, ...condition, actions: action })),
  );
}

function compileTargets(options: CompleteOptions, run: RunShape, ownLoad: boolean): Targets {
  const { successCriteria } = options;
  const offeredPerMin = meanOfferedPerMin(run.segments, steadyWindow(run.durationMs));
  // Overloaded on purpose, a fleet can be held to what it can do, not to what it is offered.
  const carriedPerMin =
    run.expect === 'graceful_degradation'
      ? Math.min(offeredPerMin, capacityPerMin(run.agents * options.fleet.slots, meanServiceOf(options)))
      : offeredPerMin;
  const written = ownLoad ? successCriteria.throughput.target : null;
  return {
    throughputPerMin: written ?? carriedPerMin,
    tolerance: successCriteria.throughput.tolerance,
    p99LatencyMs: successCriteria.p99_latency.target,
    availability: successCriteria.availability.target,
    errorRate: successCriteria.error_rate.target,
    recoveryMs: successCriteria.recovery.target,
    linearity: successCriteria.linearity.target,
    cpu: successCriteria.cpu.target,
    stretch: successCriteria.stretch.target,
    mandatory: CRITERION_NAMES.filter(
      // A run that steps its fleet is there to show linearity: without it, it has shown nothing.
      (name: CriterionName) => successCriteria[name].mandatory || (name === 'linearity' && run.stages.length > 0),
    ),
    judged: run.judged,
  };
}

function compileStorage({ storage }: CompleteOptions): StorageRules {
  const { timeSeries, events, rawLogs } = storage;
  return {
    timeSeries: { backend: timeSeries.backend, retentionMs: timeSeries.retention, resolutionMs: timeSeries.resolution },
    events: { backend: events.backend, retentionMs: events.retention },
    rawLogs: { backend: rawLogs.backend, retentionMs: rawLogs.retention, compression: rawLogs.compression },
  };
}

function compileSimulation({ simulation }: CompleteOptions, run: RunShape): SimulationRules {
  const { memory } = simulation;
  return {
    failureRate: simulation.failureRate,
    rateLimitRate: simulation.rateLimitRate,
    cpu: simulation.cpu,
    memory: {
      baseBytes: memory.base,
      perBusySlotBytes: memory.perBusySlot,
      // A leak written for the stack is not made smaller by the scenario that looks for one.
      leakPerTaskBytes: Math.max(memory.leakPerTask, run.leakPerTaskBytes ?? 0),
    },
    networkBytesPerTask: simulation.networkPerTask,
  };
}
