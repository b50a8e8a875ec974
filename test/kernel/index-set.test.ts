import fc from 'fast-check';
import { IndexSet, type IndexRange } from '../../runtime/kernel/index-set.js';

/** Mostly near each other, around the edges of pages, some far away. */
const indices = fc.array(
  fc.oneof(fc.nat(40), fc.integer({ min: 4_080, max: 4_110 }), fc.integer({ min: 0, max: 50_000 })),
  { maxLength: 200 },
);

describe('index set', () => {
  it('says of every number whether it was new, and then that it is in', () => {
    fc.assert(
      fc.property(indices, (drawn) => {
        const set = new IndexSet();
        const model = new Set<number>();
        for (const index of drawn) {
          expect(set.has(index)).toBe(model.has(index));
          expect(set.add(index)).toBe(!model.has(index));
          model.add(index);
          expect(set.has(index)).toBe(true);
        }
        expect(set.size).toBe(model.size);
        expect([...set.values()]).toEqual([...model].sort((a, b) => a - b));
      }),
    );
  });

  it('names what another set lacks, full pages or not', () => {
    fc.assert(
      fc.property(fc.nat(9_000), fc.nat(9_000), indices, indices, (mine, theirs, more, others) => {
        const a = new IndexSet();
        const b = new IndexSet();
        const model = new Set<number>();
        for (let i = 0; i < mine; i += 1) a.add(i);
        for (let i = 0; i < theirs; i += 1) b.add(i);
        for (const index of more) a.add(index);
        for (const index of others) b.add(index);
        for (const index of a.values()) if (!b.has(index)) model.add(index);
        expect([...a.missingFrom(b)]).toEqual([...model]);
      }),
      { numRuns: 30 },
    );
  });

  it('holds one page however many numbers have passed', () => {
    const set = new IndexSet();
    for (let i = 0; i < 1_000_000; i += 1) set.add(i);
    expect(set.size).toBe(1_000_000);
    expect(set.openPages).toBe(1);
  });

  it('does not grow when one number stays away for ever', () => {
    const set = new IndexSet();
    for (let i = 1; i < 1_000_000; i += 1) set.add(i);
    expect(set.openPages).toBe(2);
    expect(set.has(0)).toBe(false);
    expect(set.add(0)).toBe(true);
    expect(set.openPages).toBe(1);
    expect(set.size).toBe(1_000_000);
  });

  it('comes back from JSON as it was', () => {
    fc.assert(
      fc.property(indices, fc.nat(9_000), (drawn, full) => {
        const set = new IndexSet();
        for (let i = 0; i < full; i += 1) set.add(i);
        for (const index of drawn) set.add(index);
        const copy = IndexSet.fromJSON(JSON.parse(JSON.stringify(set)) as IndexRange[]);
        expect(copy.size).toBe(set.size);
        expect([...copy.missingFrom(set)]).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
