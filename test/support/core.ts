import { InProcessFleet } from '../../runtime/agents/adapters/in-process-fleet.js';
import { SimulatedExecutor } from '../../runtime/agents/adapters/simulated.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { LoadGenerator } from '../../runtime/load/generator.js';
import type { EventSink } from '../../runtime/observe/events.js';
import { MemoryQueue } from '../../runtime/queue/adapters/memory.js';
import type { QueueObserver } from '../../runtime/queue/port.js';
import type { Experiment } from '../../runtime/spec/experiment.js';

/** Rethrows: in these tests nothing may go wrong behind the scenes. */
export function onError(error: unknown): never {
  throw error;
}

/** Load generator, queue and fleet on a virtual clock, without coordinator, chaos and records. */
export function core(
  experiment: Experiment,
  observers: readonly QueueObserver[] = [],
  events: EventSink = () => undefined,
) {
  const clock = new VirtualClock(experiment.startAtMs, new Random(experiment.seed, 'ties'));
  const queue = new MemoryQueue({ clock, rules: experiment.queue, observers });
  const executor = new SimulatedExecutor(clock, experiment);
  const fleet = new InProcessFleet({
    experiment,
    clock,
    queue,
    executor,
    journal: { result: () => undefined },
    events,
    onError,
  });
  const generator = new LoadGenerator({
    experiment,
    clock,
    queue,
    journal: { sent: () => undefined, answered: () => undefined, unknown: () => undefined },
    events,
    onFinished: () => undefined,
    onError,
  });
  return { clock, queue, executor, fleet, generator };
}
