import { TaskFactory } from '../../runtime/load/task-factory.js';
import { experiment } from '../support/experiment.js';
import { chiSquareLimit, sum } from '../support/statistics.js';

const TYPES = [
  { name: 'code_generation', share: 0.3, meanMs: 45_000 },
  { name: 'code_review', share: 0.2, meanMs: 30_000 },
  { name: 'test', share: 0.25, meanMs: 60_000 },
  { name: 'documentation', share: 0.15, meanMs: 20_000 },
  { name: 'light', share: 0.1, meanMs: 5_000 },
].map((type) => ({ ...type, tokens: { input: 0, output: 0 } }));
const { tasks: mix } = experiment({ tasks: { types: TYPES } });
const COUNT = 40_000;

/** χ² of what was counted against the shares asked for. */
function chiSquareOfShares(counts: readonly number[], shares: readonly number[]): number {
  return sum(counts.map((count, i) => (count - shares[i]! * COUNT) ** 2 / (shares[i]! * COUNT)));
}

describe('task factory', () => {
  const factory = new TaskFactory(mix, 3);
  const tasks = Array.from({ length: COUNT }, (_, index) => factory.task(index, index * 10));

  it('deals types and priorities by their shares, each without regard to the other', () => {
    const types = TYPES.map((_, i) => tasks.filter((task) => task.type === i).length);
    const priorities = [0, 1, 2, 3].map((p) => tasks.filter((task) => (task.priority as number) === p).length);
    expect(
      chiSquareOfShares(
        types,
        TYPES.map(({ share }) => share),
      ),
    ).toBeLessThan(chiSquareLimit(4));
    expect(chiSquareOfShares(priorities, mix.priorityShares)).toBeLessThan(chiSquareLimit(3));
    const pairs = TYPES.flatMap((_, t) =>
      mix.priorityShares.map((_share, p) => tasks.filter((task) => task.type === t && task.priority === p).length),
    );
    const shares = TYPES.flatMap((type) => mix.priorityShares.map((share) => type.share * share));
    expect(chiSquareOfShares(pairs, shares)).toBeLessThan(chiSquareLimit(12));
  });

  it('makes the same task again from seed and index alone, in any order', () => {
    const again = new TaskFactory(mix, 3);
    for (const index of [COUNT - 1, 17, 0, 4_711]) expect(again.task(index, index * 10)).toEqual(tasks[index]);
    const other = new TaskFactory(mix, 4);
    expect(tasks.slice(0, 50).some((task) => other.task(task.index, 0).type !== task.type)).toBe(true);
  });

  it('never deals what has no share', () => {
    const types = TYPES.map((type, i) => ({ ...type, share: i === 1 ? 1 : 0 }));
    const one = new TaskFactory({ ...mix, types, priorityShares: [0, 0, 0, 1] }, 1);
    for (let index = 0; index < 1_000; index += 1) expect(one.task(index, 0)).toMatchObject({ type: 1, priority: 3 });
  });
});
