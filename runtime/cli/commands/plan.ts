import { planFaults } from '../../chaos/plan.js';
import { sizingOf } from '../../cost/deployment-sizing.js';
import { EXIT } from '../../kernel/errors.js';
import { Random } from '../../kernel/random.js';
import { describeExperiment } from '../../spec/describe.js';
import type { Experiment } from '../../spec/experiment.js';
import { assessFeasibility, formatFeasibility } from '../../spec/feasibility.js';
import { formatCount, formatDuration, formatRate } from '../../spec/units.js';
import { readDeployment } from '../deployment-source.js';
import { readExperiment } from '../experiment-source.js';
import { FlagReader, type ExperimentFlags } from '../flags.js';
import type { Io } from '../io.js';
import { formatOptimum } from '../optimize-text.js';
import { optimize } from '../optimize.js';
import { billsOf, formatBills } from '../plan-bills.js';
import { rehearsedCurve } from '../../record/rehearsed-curve.js';

export interface PlanFlags extends ExperimentFlags {
  readonly json?: true;
  readonly optimize?: true;
}

/** Shows what an experiment will do, whether it fits and what it costs. Answers 2 for what `start` would refuse. */
export async function plan(flags: PlanFlags, io: Io): Promise<number> {
  const experiment = await readExperiment(flags, new FlagReader(), io.cwd);
  const feasibility = assessFeasibility(experiment);
  const deployment = await readDeployment(flags, experiment, io.cwd);
  const sizing = sizingOf(deployment);
  const bills = billsOf(experiment, sizing, await rehearsedCurve(experiment, io.cwd));
  const optimum =
    flags.optimize === true
      ? await optimize({ experiment, deployment, onProgress: (text) => io.stderr.write(`${text}\n`) })
      : null;
  const refusals = [
    ...(feasibility.verdict === 'infeasible' ? ['the load does not fit the fleet'] : []),
    ...(bills.floor.totalUsd > experiment.budget.maxUsd ? ['the budget does not last'] : []),
  ];
  if (flags.json === true) {
    const plan = { experiment, feasibility, timeline: timeline(experiment), cost: bills };
    io.stdout.write(`${JSON.stringify({ ...plan, ...(optimum === null ? {} : { optimum }) }, null, 2)}\n`);
  } else {
    const sections = [
      describeExperiment(experiment).join('\n'),
      timelineText(experiment),
      formatFeasibility(feasibility),
      formatBills(experiment, bills),
      ...(optimum === null ? [] : [formatOptimum(optimum, bills.document)]),
    ];
    io.stdout.write(`${sections.join('\n\n')}\n`);
  }
  if (refusals.length > 0)
    io.stderr.write(`\nstart would refuse this: ${refusals.join('; ')}. --force starts it anyway.\n`);
  return refusals.length === 0 ? EXIT.met : EXIT.badInput;
}

/** What happens in the run, as figures: times in ms, rates in tasks/min. */
interface Timeline {
  readonly load: readonly {
    readonly label: string;
    readonly times: number;
    readonly totalMs: number;
    readonly lowestPerMin: number;
    readonly highestPerMin: number;
  }[];
  readonly faults: readonly {
    readonly type: string;
    readonly times: number;
    readonly firstMs: number;
    readonly lastMs: number;
  }[];
}

function timeline({ load, chaos, durationMs, seed }: Experiment): Timeline {
  const labels = [...new Set(load.segments.map(({ label }) => label))];
  const faults = [...planFaults(chaos, durationMs, new Random(seed, 'plan'))];
  const types = [...new Set(faults.map(({ type }) => type))];
  return {
    load: labels.map((label) => {
      const own = load.segments.filter((segment) => segment.label === label);
      const rates = own.map(({ ratePerMin }) => ratePerMin);
      return {
        label,
        times: own.length,
        totalMs: own.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0),
        lowestPerMin: Math.min(...rates),
        highestPerMin: Math.max(...rates),
      };
    }),
    faults: types.map((type) => {
      const times = faults.filter((fault) => fault.type === type).map(({ atMs }) => atMs);
      return { type, times: times.length, firstMs: Math.min(...times), lastMs: Math.max(...times) };
    }),
  };
}

function timelineText(experiment: Experiment): string {
  const { load, faults } = timeline(experiment);
  const loadLines = load.map(({ label, times, totalMs, lowestPerMin, highestPerMin }) => {
    const rate =
      lowestPerMin === highestPerMin
        ? formatRate(lowestPerMin)
        : `${formatRate(lowestPerMin)} to ${formatRate(highestPerMin)}`;
    return `  ${label}: ${formatCount(times)} × at ${rate}, ${formatDuration(totalMs)} in all`;
  });
  const faultLines = faults.map(
    ({ type, times, firstMs, lastMs }) =>
      `  ${type}: ${formatCount(times)} ×, first after ${formatDuration(firstMs)}, last after ${formatDuration(lastMs)}`,
  );
  return ['Timeline', ...loadLines, ...(faultLines.length === 0 ? ['  no faults'] : faultLines)].join('\n');
}
