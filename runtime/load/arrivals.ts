import { hashUniform } from '../kernel/random.js';
import { MINUTE } from '../kernel/units.js';
import type { Load, LoadSegment } from '../spec/experiment.js';

const SALT_ARRIVAL = 1;

/** Where a schedule stands; enough to go on from there. */
export interface ArrivalPosition {
  readonly index: number;
  /** Cumulated arrivals the schedule has reached, with fraction. */
  readonly area: number;
}

/**
 * The times at which tasks arrive, one after the other, from the load's segments: exact (the number of uniform
 * arrivals is the integral of the rate) and streaming (nothing but the position is held).
 *
 * Both processes walk along the cumulated rate Λ(t): uniform arrivals stand at Λ = ½, 1½, 2½, …; those of a Poisson
 * process are Exp(1) apart on Λ (inversion; Çinlar 1975, ch. 4), which holds for any shape of the rate.
 */
export class ArrivalSchedule {
  private segment = 0;
  /** Λ at the start of the current segment. */
  private areaAtSegment = 0;
  private area: number;
  private areaBefore: number;
  /** How many arrivals have been handed out. */
  index: number;

  constructor(
    private readonly load: Load,
    private readonly seed: number,
    from: ArrivalPosition = { index: 0, area: load.process === 'uniform' ? -0.5 : 0 },
  ) {
    this.index = from.index;
    this.area = from.area;
    this.areaBefore = from.area;
  }

  /** Time of the next arrival, ms from the start of the run; null when there is none any more. */
  next(): number | null {
    this.areaBefore = this.area;
    this.area += this.load.process === 'uniform' ? 1 : this.gap();
    for (;;) {
      const segment = this.load.segments[this.segment];
      if (segment === undefined) return null;
      const areaOfSegment = segmentArea(segment);
      if (this.area < this.areaAtSegment + areaOfSegment) {
        this.index += 1;
        return segment.startMs + ((this.area - this.areaAtSegment) * MINUTE) / segment.ratePerMin;
      }
      this.areaAtSegment += areaOfSegment;
      this.segment += 1;
    }
  }

  /** Where to go on from; before the arrival handed out last when that is still `unsent`. */
  position(unsent: boolean): ArrivalPosition {
    return unsent ? { index: this.index - 1, area: this.areaBefore } : { index: this.index, area: this.area };
  }

  private gap(): number {
    return -Math.log(hashUniform(this.seed, this.index, SALT_ARRIVAL));
  }
}

function segmentArea(segment: LoadSegment): number {
  return ((segment.endMs - segment.startMs) * segment.ratePerMin) / MINUTE;
}
