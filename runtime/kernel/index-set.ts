const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;

/** One stretch of 4,096 numbers: a bit each. */
interface Page {
  readonly bits: Uint32Array;
  members: number;
}

/** The first number of a range, and the first after it. */
export type IndexRange = readonly [from: number, to: number];

/**
 * A set of whole numbers from 0 that fills up nearly in order, as task indices do: a watermark below which all are
 * in, and bitmaps for what is above it. A page that is full is only remembered as such, so that memory follows what
 * is in flight – also when a single number is missing for ever, which is just what an audit has to stand.
 */
export class IndexSet {
  /** Number of the first page that is not full. */
  private watermark = 0;
  private readonly pages = new Map<number, Page>();
  /** Full pages above the watermark. */
  private readonly full = new Set<number>();
  private members = 0;
  private recent: Page = { bits: new Uint32Array(PAGE / 32), members: 0 };
  private recentNumber = -1;

  /** False when it was in already. */
  add(index: number): boolean {
    const number = Math.floor(index / PAGE);
    if (number !== this.recentNumber && !this.open(number)) return false;
    const page = this.recent;
    const word = (index & (PAGE - 1)) >>> 5;
    const bit = 1 << (index & 31);
    const bits = page.bits[word] as number;
    if ((bits & bit) !== 0) return false;
    page.bits[word] = bits | bit;
    page.members += 1;
    this.members += 1;
    if (page.members === PAGE) this.close(number);
    return true;
  }

  has(index: number): boolean {
    const number = Math.floor(index / PAGE);
    if (number < this.watermark || this.full.has(number)) return true;
    return holds(number === this.recentNumber ? this.recent : this.pages.get(number), index);
  }

  get size(): number {
    return this.members;
  }

  /** Bitmaps held: what memory grows with (512 bytes each). */
  get openPages(): number {
    return this.pages.size;
  }

  /** Members of this set that are not in `other`, in ascending order. Skips what both have in full. */
  *missingFrom(other: IndexSet): Generator<number> {
    for (const number of this.pageNumbers(other.watermark)) {
      if (other.full.has(number)) continue;
      const mine = this.pages.get(number);
      const theirs = other.pages.get(number);
      for (let index = number * PAGE; index < (number + 1) * PAGE; index += 1) {
        if ((mine === undefined || holds(mine, index)) && !holds(theirs, index)) yield index;
      }
    }
  }

  /** The members in ascending order. */
  values(): Generator<number> {
    return this.missingFrom(new IndexSet());
  }

  /** The members as ranges, in ascending order. */
  toJSON(): IndexRange[] {
    const ranges: Array<[number, number]> = this.watermark > 0 ? [[0, this.watermark * PAGE]] : [];
    for (const number of this.pageNumbers(this.watermark)) {
      const page = this.pages.get(number);
      for (let index = number * PAGE; index < (number + 1) * PAGE; index += 1) {
        if (page !== undefined && !holds(page, index)) continue;
        const last = ranges.at(-1);
        if (last?.[1] === index) last[1] += 1;
        else ranges.push([index, index + 1]);
      }
    }
    return ranges;
  }

  static fromJSON(ranges: readonly IndexRange[]): IndexSet {
    const set = new IndexSet();
    for (const [from, to] of ranges) for (let index = from; index < to; index += 1) set.add(index);
    return set;
  }

  /** Makes page `number` the recent one; false when it is full. */
  private open(number: number): boolean {
    if (number < this.watermark || this.full.has(number)) return false;
    let page = this.pages.get(number);
    if (page === undefined) {
      page = { bits: new Uint32Array(PAGE / 32), members: 0 };
      this.pages.set(number, page);
    }
    this.recent = page;
    this.recentNumber = number;
    return true;
  }

  private close(number: number): void {
    this.pages.delete(number);
    this.recentNumber = -1;
    this.full.add(number);
    while (this.full.delete(this.watermark)) this.watermark += 1;
  }

  /** Pages from `from` on that hold members, ascending. */
  private pageNumbers(from: number): number[] {
    const numbers = [...this.pages.keys(), ...this.full].filter((number) => number >= from);
    for (let number = from; number < this.watermark; number += 1) numbers.push(number);
    return numbers.sort((a, b) => a - b);
  }
}

function holds(page: Page | undefined, index: number): boolean {
  return page !== undefined && ((page.bits[(index & (PAGE - 1)) >>> 5] as number) & (1 << (index & 31))) !== 0;
}
