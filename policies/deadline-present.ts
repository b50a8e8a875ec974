import type { StackValidationPolicy } from '@pulumi/policy';
import { formatDuration } from '../runtime/spec/units.js';
import { reportedSpec } from './experiment-spec.js';
import { at, textAt, UNKNOWN } from './known.js';
import { declared, type Declared, type Described, titleOf } from './resources.js';
import { settingsOf } from './settings.js';

interface Settings {
  /** Most hours after the planned end that the deadline may leave. */
  readonly maxGraceHours: number;
}

const DEFAULTS: Settings = { maxGraceHours: 24 };

const HOUR_MS = 3_600_000;

/** Somebody scales everything to its minimum when nobody comes back: a cron job `…deadline…` that is not suspended. */
export const deadlinePresent: StackValidationPolicy = {
  name: 'deadline-present',
  description: 'A deadline in the cluster scales fleet and nodes to their minimum when nobody comes back.',
  configSchema: {
    properties: {
      maxGraceHours: {
        type: 'number',
        minimum: 0,
        default: DEFAULTS.maxGraceHours,
        description: 'Most hours between the planned end of a run and its deadline.',
      },
    },
  },
  validateStack: (args, report) => {
    const spec = reportedSpec(args.resources, report);
    if (spec === undefined) return;
    const jobs = args.resources.filter(({ type }) => type === 'kubernetes:batch/v1:CronJob').map(declared);
    const deadlines = jobs.filter(isDeadline);
    if (deadlines.length === 0 && !jobs.some(isUnknown)) report(missing(args.resources), spec.urn);
    for (const job of deadlines)
      if (at(job.props, 'spec', 'suspend') === true)
        report(`${titleOf(job)} is suspended and would never act: set spec.suspend to false.`, job.urn);
    const graceMs = spec.deployment?.deadlineGraceMs ?? 0;
    const maxMs = settingsOf(args, DEFAULTS).maxGraceHours * HOUR_MS;
    if (graceMs > maxMs)
      report(
        `The deadline comes ${formatDuration(graceMs)} after the planned end, ${formatDuration(graceMs - maxMs)} later ` +
          `than the ${formatDuration(maxMs)} allowed: lower deployment.deadlineGrace.`,
        spec.urn,
      );
  },
};

function isDeadline({ name, props }: Declared): boolean {
  const names = [
    name,
    textAt(props, 'metadata', 'name'),
    textAt(props, 'metadata', 'labels', 'app.kubernetes.io/component'),
  ];
  return names.some((one) => one?.includes('deadline'));
}

function isUnknown({ props }: Declared): boolean {
  return at(props, 'metadata', 'name') === UNKNOWN;
}

function missing(resources: readonly Described[]): string {
  const jobs = resources.filter(({ type }) => type === 'kubernetes:batch/v1:CronJob').map(({ name }) => name);
  return (
    'The stack has no deadline: a fleet nobody comes back to would be paid for without end. Declare a cron job ' +
    `whose name contains "deadline" and that scales fleet and node pools to their minimum (found: ${jobs.join(', ') || 'no cron job'}).`
  );
}
