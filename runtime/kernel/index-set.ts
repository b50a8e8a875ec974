/**
 * A set of whole numbers that fills up from 0 nearly in order: a watermark below which everything is in, and the
 * few members above it. Its size follows what is in flight, not how much has passed.
 */
export class IndexSet {
  private watermark = 0;
  private readonly above = new Set<number>();

  /** False when it was in already. */
  add(index: number): boolean {
    if (index < this.watermark || this.above.has(index)) return false;
    if (index !== this.watermark) {
      this.above.add(index);
      return true;
    }
    this.watermark += 1;
    while (this.above.delete(this.watermark)) this.watermark += 1;
    return true;
  }

  has(index: number): boolean {
    return index < this.watermark || this.above.has(index);
  }

  get size(): number {
    return this.watermark + this.above.size;
  }

  /** How many members are held one by one; what its memory grows with. */
  get sparse(): number {
    return this.above.size;
  }

  toJSON(): { watermark: number; above: number[] } {
    return { watermark: this.watermark, above: [...this.above].sort((a, b) => a - b) };
  }

  static fromJSON(json: { watermark: number; above: readonly number[] }): IndexSet {
    const set = new IndexSet();
    set.watermark = json.watermark;
    for (const index of json.above) set.add(index);
    return set;
  }
}
