import fc from 'fast-check';
import type { Due } from '../../runtime/kernel/clock.js';
import { HeapTimer, TimerHeap } from '../../runtime/kernel/timer-heap.js';

const noop = (): void => undefined;

describe('timer heap', () => {
  it('gives calls back sorted by time and then by tie-break, whatever is pushed in between', () => {
    // A number pushes a call of that time, null takes the first one out.
    const operations = fc.array(fc.oneof(fc.nat(30), fc.constant(null)), { maxLength: 400 });
    fc.assert(
      fc.property(operations, fc.infiniteStream(fc.nat(5)), (ops, ties) => {
        const heap = new TimerHeap();
        const model: Array<{ time: number; tie: number }> = [];
        const keys = new Map<Due, { time: number; tie: number }>();
        for (const op of ops) {
          if (op !== null) {
            const timer = new HeapTimer(noop);
            const key = { time: op, tie: ties.next().value };
            heap.push(key.time, key.tie, timer);
            keys.set(timer, key);
            model.push(key);
          } else if (model.length > 0) {
            model.sort((a, b) => a.time - b.time || a.tie - b.tie);
            expect(heap.nextTime).toBe(model[0]!.time);
            expect(keys.get(heap.pop())).toEqual(model.shift());
          }
          expect(heap.size).toBe(model.length);
        }
      }),
    );
  });

  it('grows beyond what it began with, and is at Infinity when empty', () => {
    const heap = new TimerHeap();
    expect(heap.nextTime).toBe(Infinity);
    const times = Array.from({ length: 5_000 }, (_, i) => (i * 7_919) % 5_000);
    for (const time of times) heap.push(time, 0, new HeapTimer(noop));
    for (let time = 0; time < 5_000; time += 1) {
      expect(heap.nextTime).toBe(time);
      heap.pop();
    }
    expect(heap.nextTime).toBe(Infinity);
  });
});
