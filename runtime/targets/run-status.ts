import type { RunLimits, RunStatus } from '../control/port.js';
import type { Experiment } from '../spec/experiment.js';
import type { Assembly } from './assembly.js';

interface Told {
  readonly experiment: Experiment;
  readonly experimentId: string;
  readonly target: 'rehearsal' | 'local';
}

/** Where a run stands, for those who look at it from outside. */
export function runStatus(parts: Assembly, options: Told): RunStatus {
  const { run, generator, council, chaos, queue, observation } = parts;
  const { experiment, experimentId, target } = options;
  return {
    experimentId,
    title: experiment.title,
    target,
    state: run.state,
    drained: run.drained,
    elapsedMs: run.state === 'created' ? 0 : Math.min(generator.elapsedMs(), experiment.durationMs),
    durationMs: experiment.durationMs,
    leader: council.leader(),
    chaos: chaos.status,
    alertsFiring: observation.alerts.firing().map(({ name }) => name),
    counts: queue.view.counts(),
    latest: observation.monitor.latest,
    limits: limitsOf(experiment),
  };
}

export function limitsOf(experiment: Experiment): RunLimits {
  return {
    p99LatencyMs: experiment.targets.p99LatencyMs,
    errorRate: experiment.targets.errorRate,
    cpu: experiment.targets.cpu,
    throughputPerMin: experiment.targets.throughputPerMin,
    queueBound: experiment.queue.bound,
    maxAgents: experiment.fleet.max,
  };
}
