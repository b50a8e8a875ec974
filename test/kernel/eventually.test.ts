import { whenSettled } from '../../runtime/kernel/eventually.js';

function unexpected(error: unknown): never {
  throw error;
}

describe('a value that is there now or later', () => {
  it('is used at once when it is there', () => {
    const seen: number[] = [];
    whenSettled(3, (value) => seen.push(value), unexpected);
    expect(seen).toEqual([3]);
  });

  it('is used when it comes, and its failure goes to whoever asked', async () => {
    const seen: unknown[] = [];
    whenSettled(Promise.resolve(4), (value) => seen.push(value), unexpected);
    whenSettled(Promise.reject(new Error('lost')), unexpected, (error) => seen.push(error));
    expect(seen).toEqual([]);
    await Promise.resolve();
    expect(seen).toEqual([4, new Error('lost')]);
  });
});
