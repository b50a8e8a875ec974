import type { StackValidationPolicy } from '@pulumi/policy';
import { formatDuration } from '../runtime/spec/units.js';
import { reportedSpec } from './experiment-spec.js';
import { at, listAt, textAt, UNKNOWN } from './known.js';
import { maintenanceDuring, type Span } from './maintenance-windows.js';
import { ofTypes, titleOf, type Declared } from './resources.js';

/** What an exclusion must keep away: upgrades of nodes restart agents. */
const QUIET_SCOPES = ['NO_UPGRADES', 'NO_MINOR_OR_NODE_UPGRADES'];

/** No node is upgraded while the run is on: an exclusion covers it, or every maintenance window lies outside it. */
export const noMaintenanceInRun: StackValidationPolicy = {
  name: 'no-maintenance-in-run',
  description: 'No maintenance window of the cluster lies inside the run.',
  validateStack: ({ resources }, report) => {
    const spec = reportedSpec(resources, report);
    if (spec === undefined) return;
    const { startAtMs, durationMs } = spec.experiment;
    const run = { startMs: startAtMs, endMs: startAtMs + durationMs };
    for (const cluster of ofTypes(resources, ['gcp:container/cluster:Cluster'])) {
      const fault = faultOf(cluster, run);
      if (fault !== undefined)
        report(
          `${titleOf(cluster)} ${fault}: set a maintenanceExclusion of scope NO_UPGRADES from ${shown(run.startMs)} to ` +
            `${shown(run.endMs)}, or move the window.`,
          cluster.urn,
        );
    }
  },
};

function faultOf({ props }: Declared, run: Span): string | undefined {
  const policy = at(props, 'maintenancePolicy');
  if (policy === UNKNOWN) return undefined;
  const exclusions = listAt(policy, 'maintenanceExclusions');
  if (at(policy, 'maintenanceExclusions') === UNKNOWN || exclusions.some((one) => covers(one, run))) return undefined;
  const daily = at(policy, 'dailyMaintenanceWindow');
  const recurring = at(policy, 'recurringWindow');
  if (daily === undefined && recurring === undefined)
    return `may be maintained at any time of the run of ${formatDuration(run.endMs - run.startMs)}`;
  const hit = maintenanceDuring(run, {
    daily: textAt(daily, 'startTime'),
    recurring: {
      start: textAt(recurring, 'startTime'),
      end: textAt(recurring, 'endTime'),
      rule: textAt(recurring, 'recurrence'),
    },
  });
  if (hit === undefined) return undefined;
  return (
    `may be maintained for ${formatDuration(hit.totalMs)} of the run of ${formatDuration(run.endMs - run.startMs)}, ` +
    `first at ${shown(hit.firstMs)}`
  );
}

/** Whether upgrades are kept away for the whole run; so it is where that is not known yet. */
function covers(exclusion: unknown, run: Span): boolean {
  if (exclusion === UNKNOWN) return true;
  const scope = at(exclusion, 'exclusionOptions', 'scope') ?? 'NO_UPGRADES';
  if (scope !== UNKNOWN && !QUIET_SCOPES.includes(scope as string)) return false;
  const [start, end] = [at(exclusion, 'startTime'), at(exclusion, 'endTime')];
  const from = start === UNKNOWN ? -Infinity : Date.parse(textAt(start) ?? '');
  const to = end === UNKNOWN ? Infinity : Date.parse(textAt(end) ?? '');
  return from <= run.startMs && to >= run.endMs;
}

function shown(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
