import type { Experiment } from './experiment.js';
import type { Remedy, SegmentAssessment } from './feasibility-model.js';
import type { WhatIf } from './load-forecast.js';
import { serviceDistribution } from './service-distribution.js';
import { judgeSegments } from './segment-verdict.js';

/** Each change is looked for by itself. `segments` is the judgement of the experiment as it stands. */
export function findRemedy(experiment: Experiment, segments: readonly SegmentAssessment[]): Remedy {
  const { slots, agents: floor } = experiment.fleet;
  const heaviest = Math.max(...segments.map((segment) => segment.segment.ratePerMin));
  const busiest = Math.max(...segments.map((segment) => segment.busySlots));
  const overload = Math.max(1, ...segments.map((segment) => segment.utilisation));
  const search = new RemedySearch(experiment, segments);
  const agents = search.least(
    { fails: floor, tries: Math.max(floor + 1, Math.ceil((busiest * 1.1) / slots)), grow: (last) => last * 2 },
    (fails, fits) => (fits - fails > 1 ? (fits + fails) >> 1 : null),
    (count) => ({ agents: count }),
  );
  const factor = search.least(
    { fails: 1, tries: 0.9 / overload, grow: (last) => last / 2 },
    (fails, fits) => (fails - fits > 0.005 ? (fails + fits) / 2 : null),
    (rateFactor) => ({ rateFactor }),
  );
  return {
    agents,
    slots: agents === null ? null : Math.ceil((agents * slots) / floor),
    maxRatePerMin: factor === null ? null : Math.floor(heaviest * factor),
    feedForward: experiment.scaling.mode !== 'feed_forward' && search.fits({ mode: 'feed_forward' }),
  };
}

/** How far around the worst segment a change is tried first, in mean service times. */
const WINDOW = 30;
/** How often the first guess grows before the search is given up. */
const MOST_GROWTHS = 4;

/**
 * Looks for the smallest change with which the load fits: first around the worst segment, which is fast, then its
 * result is tried on the whole run, and only where that fails the whole run is searched.
 */
class RemedySearch {
  private readonly window: NonNullable<WhatIf['window']>;

  constructor(
    private readonly experiment: Experiment,
    segments: readonly SegmentAssessment[],
  ) {
    const overloaded = segments.filter((segment) => segment.verdict === 'overload');
    const worst = overloaded.reduce((most, one) => (one.utilisation > most.utilisation ? one : most)).segment;
    const marginMs = WINDOW * serviceDistribution(experiment.tasks).meanMs;
    this.window = {
      startMs: Math.max(0, worst.startMs - marginMs),
      endMs: Math.min(experiment.durationMs, worst.endMs + marginMs),
    };
  }

  fits(whatIf: WhatIf): boolean {
    return this.holds({ ...whatIf, window: this.window }) && this.holds(whatIf);
  }

  /**
   * `start.fails` is known not to do, `start.tries` is a first guess that grows until it does; `between` names the
   * next value to try, or null when the two are close enough. Null when nothing was found.
   */
  least(
    start: { readonly fails: number; readonly tries: number; readonly grow: (last: number) => number },
    between: (fails: number, fits: number) => number | null,
    change: (value: number) => WhatIf,
  ): number | null {
    const near = this.bisect(start, between, (value) => this.holds({ ...change(value), window: this.window }));
    if (near === null || this.holds(change(near))) return near;
    return this.bisect({ ...start, fails: near, tries: start.grow(near) }, between, (value) =>
      this.holds(change(value)),
    );
  }

  private bisect(
    start: { readonly fails: number; readonly tries: number; readonly grow: (last: number) => number },
    between: (fails: number, fits: number) => number | null,
    holds: (value: number) => boolean,
  ): number | null {
    let { fails, tries: fits } = start;
    for (let growths = 0; !holds(fits); growths += 1) {
      if (growths === MOST_GROWTHS) return null;
      fails = fits;
      fits = start.grow(fits);
    }
    for (let next = between(fails, fits); next !== null; next = between(fails, fits)) {
      if (holds(next)) fits = next;
      else fails = next;
    }
    return fits;
  }

  private holds(whatIf: WhatIf): boolean {
    return judgeSegments(this.experiment, whatIf).every((segment) => segment.verdict === 'fits');
  }
}
