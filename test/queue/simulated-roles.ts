import type { RedisQueue } from '../../runtime/queue/adapters/redis/redis-queue.js';
import type { TaskQueue } from '../../runtime/queue/port.js';
import { StageAgent } from './stage.js';
import type { World } from './simulated-world.js';

/** An agent that runs what it is given until it is told to finish it. */
export const agentOf = (queue: TaskQueue, id: string, incarnation: number, slots: number): StageAgent => {
  const agent = new StageAgent(queue, id, incarnation);
  agent.session.credit(slots);
  return agent;
};
/** Submits so many tasks, which are accepted. */
export const submit = async (world: World, queue: RedisQueue, count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) {
    expect(await world.answer(queue.submit(world.nextTask()))).toMatchObject({ accepted: true });
  }
};
/** Sweeps as the leading coordinator does, from now on. */
export const sweeping = (world: World, queue: RedisQueue): void => {
  world.clock.every(250, () => {
    world.clock.spawn(
      async () => {
        await queue.sweep();
      },
      (error) => world.errors.push(error),
    );
  });
};
