import type { Report } from './contradiction.js';
import { ALL_ZONES } from './experiment.js';
import { compileInjection, firstStrikeMs } from './injections.js';
import type { CompleteOptions } from './options.js';
import { naturalDurationMs } from './run-shape.js';
import type { ExperimentOptions } from './schema.js';
import type { InjectionOptions } from './schema-chaos.js';
import { SCENARIO_NAMES } from './schema-scenarios.js';
import { formatDuration, formatRate } from './units.js';

/** The phase's own chaos plan, when it is switched on. */
export function checkChaos(options: CompleteOptions, report: Report): void {
  const { enabled, injections } = options.chaos;
  checkInjections(
    injections,
    'chaos.injections',
    enabled ? { ms: options.duration, path: 'duration' } : null,
    options.fleet.zones,
    report,
  );
}

/** Every scenario: one shape of load, a length, bursts and faults that fit. */
export function checkScenarios(options: CompleteOptions, written: ExperimentOptions, report: Report): void {
  for (const name of SCENARIO_NAMES) {
    const scenario = options.scenarios[name];
    const path = `scenarios.${name}`;
    const own = written.scenarios?.[name];
    const { pattern, repeat, stages, curve, bursts, rate, duration } = scenario;
    const shapes = Object.entries({ pattern, stages, curve }).filter(([, shape]) => shape !== null);
    if (shapes.length > 1) {
      report(
        path,
        `has ${shapes.map(([shape]) => shape).join(' and ')}; a load has one shape`,
        `write null for all but one of them`,
      );
    }
    const naturalMs = naturalDurationMs(scenario);
    if (naturalMs === null) report(`${path}.duration`, 'is missing: it must be a duration such as 2h');
    if (
      typeof own?.duration === 'number' &&
      naturalMs !== null &&
      (pattern !== null || stages !== null) &&
      own.duration !== naturalMs
    ) {
      const basis = pattern === null ? 'its stages' : `${repeat} × its pattern`;
      report(
        `${path}.duration`,
        `${formatDuration(own.duration)} is not the length of ${basis}, ${formatDuration(naturalMs)}`,
        'leave it out: the length follows',
        [`${path}.pattern`, `${path}.stages`, `${path}.repeat`],
      );
    }
    if (bursts !== null && bursts.duration >= bursts.every) {
      report(
        `${path}.bursts.duration`,
        `${formatDuration(bursts.duration)} is not shorter than the ${formatDuration(bursts.every)} from one burst to the next`,
      );
    }
    if (bursts !== null && bursts.rate <= (rate ?? options.load.rate)) {
      report(
        `${path}.bursts.rate`,
        `${formatRate(bursts.rate)} is no burst on top of a steady ${formatRate(rate ?? options.load.rate)}`,
        undefined,
        [`${path}.rate`],
      );
    }
    if (stages !== null && stages.ramp >= stages.each)
      report(`${path}.stages.ramp`, 'must be shorter than a stage', undefined, [`${path}.stages.each`]);
    const run =
      naturalMs === null ? null : { ms: naturalMs, path: `${path}.${duration === null ? 'pattern' : 'duration'}` };
    checkInjections(scenario.injections, `${path}.injections`, run, options.fleet.zones, report);
  }
}

/** @param run the length the plan must fit into, or null when it need not. */
function checkInjections(
  injections: readonly InjectionOptions[],
  path: string,
  run: { readonly ms: number; readonly path: string } | null,
  zones: readonly string[],
  report: Report,
): void {
  for (const [index, options] of injections.entries()) {
    const at = `${path}[${index}]`;
    const { interval, time, count } = options;
    if ((interval === null) === (time === null)) {
      report(
        at,
        `needs either interval or time, ${interval === null ? 'and has neither' : 'not both'}`,
        'write interval: 15min, or time: 2h',
      );
      continue;
    }
    const times = Array.isArray(time) ? time.length : 1;
    if (time !== null && count !== null && count !== times)
      report(`${at}.count`, `is ${count}, but time names ${times}`, 'list every time, or leave count out', [
        `${at}.time`,
      ]);
    const injection = compileInjection(options);
    if (injection.everyMs !== null && injection.durationMs >= injection.everyMs) {
      report(
        `${at}.duration`,
        `${formatDuration(injection.durationMs)} is not shorter than the interval of ${formatDuration(injection.everyMs)}`,
        undefined,
        [`${at}.interval`],
      );
    }
    const all = injection.type === 'network_partition' && injection.zone === ALL_ZONES;
    if (injection.zone !== null && !all && !zones.includes(injection.zone)) {
      report(`${at}.zone`, `"${injection.zone}" is none of the zones ${zones.join(', ')}`, undefined, ['fleet.zones']);
    }
    if (run === null) continue;
    const lastMs = Math.max(firstStrikeMs(injection), ...injection.atMs) + injection.durationMs;
    if (lastMs > run.ms || firstStrikeMs(injection) >= run.ms) {
      const key = interval === null ? 'time' : 'interval';
      report(
        `${at}.${key}`,
        `${options.type} at ${formatDuration(lastMs - injection.durationMs)}${injection.durationMs > 0 ? ` for ${formatDuration(injection.durationMs)}` : ''} does not fit into a run of ${formatDuration(run.ms)}`,
        'shorten it, or lengthen the run',
        [run.path],
      );
    }
  }
}
