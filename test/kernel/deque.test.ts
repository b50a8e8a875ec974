import fc from 'fast-check';
import { Deque } from '../../runtime/kernel/deque.js';

describe('deque', () => {
  it('does what an array does with push, unshift and shift', () => {
    const operation = fc.constantFrom('pushBack', 'pushBack', 'pushFront', 'popFront');
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const deque = new Deque<number>();
        const model: number[] = [];
        operations.forEach((name, i) => {
          if (name === 'pushBack') {
            deque.pushBack(i);
            model.push(i);
          } else if (name === 'pushFront') {
            deque.pushFront(i);
            model.unshift(i);
          } else {
            expect(deque.popFront()).toBe(model.shift());
          }
          expect(deque.length).toBe(model.length);
        });
        expect([...deque]).toEqual(model);
      }),
    );
  });
});
