import { describeTaskQueue } from './conformance.js';
import { FAIR, type Weather } from './simulated-redis.js';
import { World } from './simulated-world.js';
import type { OpenQueue } from './stage.js';

/**
 * Messages get lost, requests are redirected, and the way is long. What costs a second each time it happens – no answer
 * at all – is the simulation's: this suite knows how long things may take.
 */
const BAD: Weather = { ...FAIR, delayMs: 8, lostMessages: 0.3, redirected: 0.1 };

/** The Redis queue's driver on a virtual clock, over a simulated Redis. */
function simulated(partitions: number, weather: Weather, settleMs: number): OpenQueue {
  return async (rules, observers) => {
    const world = new World({ partitions, weather, rules });
    const { queue } = await world.start('d1', observers);
    return {
      queue,
      settleMs,
      now: () => world.clock.now(),
      advance: (ms) => world.advance(ms),
      close: async () => {
        const closed = queue.close();
        await world.advance(3_000);
        await closed;
      },
    };
  };
}

describeTaskQueue('redis driver over a simulated redis', simulated(1, FAIR, 50), 30);
describeTaskQueue('redis driver over three partitions', simulated(3, FAIR, 600), 20, { divided: true });
describeTaskQueue('redis driver in bad weather', simulated(1, BAD, 1_200), 20);
