/** How much longer an answer is waited for at most. */
const MOST = 4;
/** What is left of a longer wait after an answer. */
const CALMING = 0.7;

/**
 * How long a process waits for Redis. Where nothing is answered in time, the machine or the network is more likely slow
 * than every server gone, and closing the connections and making new ones would make it slower: with every wait in vain
 * the next one is twice as long, and with every answer it is shorter again. One server of several that says nothing
 * changes little, since the others answer meanwhile.
 */
export class Patience {
  private factor = 1;

  /** A time to wait, ms, of which the usual one is given. */
  of(ms: number): number {
    return ms * this.factor;
  }

  /** Somebody has waited in vain. */
  inVain(): void {
    this.factor = Math.min(MOST, this.factor * 2);
  }

  /** There was an answer. */
  answered(): void {
    this.factor = Math.max(1, this.factor * CALMING);
  }
}
