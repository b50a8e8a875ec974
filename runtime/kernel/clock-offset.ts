/** A question for the time of a reference clock, and its answer. */
export interface TimeExchange {
  /** Own clock when the question was sent, epoch ms. */
  readonly sentAt: number;
  /** What the reference clock said, epoch ms. */
  readonly reference: number;
  /** Own clock when the answer was there, epoch ms. */
  readonly receivedAt: number;
}

/** How far two clocks may run apart, ms per ms: ordinary quartz is within 100 ppm, and there are two of them. */
const DRIFT = 200e-6;
/** What the numbers themselves can tell, ms: Redis counts microseconds, and a double of this size no finer. */
const RESOLUTION_MS = 0.001;

/** What one round of exchanges proved: at `at`, reference − own lay between `low` and `high`. */
interface Proof {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/** Rounds that are remembered: those that say most, for a slow hour must not make a clock unknown. */
const KEPT = 8;

/**
 * How far this process' clock is from a reference clock, with a bound that holds: `reference = own + offsetMs()`, off
 * by at most `boundMs()`. The answer was made between question and answer, so an exchange proves an interval for the
 * offset: NTP's estimate in its middle, half the round trip to either side. Older rounds widen by the drift there can
 * have been since, and the truth lies in all of them. A round that contradicts older ones shows that a clock was set:
 * those are forgotten.
 */
export class ClockOffset {
  private proofs: Proof[] = [];

  /** @param now own monotonic clock, epoch ms. */
  constructor(private readonly now: () => number) {}

  /** Takes in one round of exchanges, close together in time. The one with the shortest round trip counts. */
  add(exchanges: readonly TimeExchange[]): void {
    const [first, ...others] = exchanges;
    if (first === undefined) return;
    const best = others.reduce((a, b) => (tripOf(b) < tripOf(a) ? b : a), first);
    const slack = RESOLUTION_MS + DRIFT * tripOf(best);
    const latest: Proof = {
      at: best.receivedAt,
      low: best.reference - best.receivedAt - slack,
      high: best.reference - best.sentAt + slack,
    };
    const fitting = this.proofs.filter((proof) => {
      const drift = driftSince(proof, latest.at);
      return proof.low - drift <= latest.high && proof.high + drift >= latest.low;
    });
    if (fitting.length === KEPT) fitting.splice(widest(fitting, latest.at), 1);
    this.proofs = [...fitting, latest];
    // Each fits the latest, but not necessarily the others: then the latest alone is believed.
    const { low, high } = this.interval();
    if (low > high) this.proofs = [latest];
  }

  /** Reference − own, ms; 0 before the first round. */
  offsetMs(): number {
    if (this.proofs.length === 0) return 0;
    const { low, high } = this.interval();
    return (low + high) / 2;
  }

  /** How far `offsetMs()` can be from the truth, ms; infinite before the first round. */
  boundMs(): number {
    if (this.proofs.length === 0) return Infinity;
    const { low, high } = this.interval();
    return (high - low) / 2;
  }

  private interval(): { low: number; high: number } {
    const now = this.now();
    let [low, high] = [-Infinity, Infinity];
    // For every time that is told: nothing is made on the way.
    for (const proof of this.proofs) {
      const drift = driftSince(proof, now);
      low = Math.max(low, proof.low - drift);
      high = Math.min(high, proof.high + drift);
    }
    return { low, high };
  }
}

function tripOf({ sentAt, receivedAt }: TimeExchange): number {
  return receivedAt - sentAt;
}

/** Index of the proof that says least by now. */
function widest(proofs: readonly Proof[], now: number): number {
  const widths = proofs.map((proof) => proof.high - proof.low + 2 * driftSince(proof, now));
  return widths.indexOf(Math.max(...widths));
}

/** How far the two clocks can have run apart since, ms. */
function driftSince({ at }: Proof, now: number): number {
  return DRIFT * Math.max(0, now - at);
}
