import { setTimeout as sleep } from 'node:timers/promises';
import { engineNamed } from './engines.js';
import { machineNow } from './machine-clock.js';
import type { FromConsumer, ToConsumer } from './messages.js';
import type { ConsumersUnderTest } from './under-test.js';

/** A consumers' process of the bench, driven by the producer that forked it. */

/** Recorded results are told in bundles: a message for each would measure the messages. */
const TELL_EVERY_MS = 2;

let running: { readonly consumers: ConsumersUnderTest; readonly times: () => FromConsumer } | undefined;

process.on('message', (message: ToConsumer) => {
  (message.say === 'begin' ? begin(message) : end()).catch(fail);
});
// The producer is gone: nobody waits for this process any more.
process.on('disconnect', () => process.exit());

async function begin({ engine, arena, share, workMs }: Extract<ToConsumer, { say: 'begin' }>): Promise<void> {
  const started = new Float64Array(arena.tasks);
  const ended = new Float64Array(arena.tasks);
  const recorded = new Float64Array(arena.tasks);
  const twice = (times: Float64Array, index: number, what: string): void => {
    if (times[index] !== 0) fail(new Error(`task ${index} was ${what} twice, or there is no such task`));
  };
  let untold = 0;
  const work = async (index: number): Promise<void> => {
    await sleep(workMs);
    ended[index] = machineNow();
  };
  const consumers = await engineNamed(engine).consumers(arena, share, {
    started(index) {
      twice(started, index, 'started');
      started[index] = ended[index] = machineNow();
      return workMs === 0 ? undefined : work(index);
    },
    recorded(index) {
      twice(recorded, index, 'recorded');
      recorded[index] = machineNow();
      if (untold++ === 0) {
        setTimeout(() => {
          tell({ say: 'recorded', count: untold });
          untold = 0;
        }, TELL_EVERY_MS);
      }
    },
    failed: fail,
  });
  const cpuBefore = process.cpuUsage();
  running = {
    consumers,
    times: () => {
      const { user, system } = process.cpuUsage(cpuBefore);
      return { say: 'times', times: { started, ended, recorded }, cpuMicros: user + system };
    },
  };
  tell({ say: 'ready' });
}

async function end(): Promise<void> {
  if (running === undefined) return;
  const times = running.times();
  await running.consumers.close();
  tell(times);
}

function tell(message: FromConsumer): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  tell({ say: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
