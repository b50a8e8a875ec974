import type { RunEnd } from '../coordinator/run.js';
import type { VirtualClock } from '../kernel/virtual-clock.js';
import type { ReportInput } from '../report/build.js';
import type { ExperimentRun } from './experiment-run.js';

/** Lets a run go to its end: on a virtual clock, which is driven meanwhile, or in real time (`null`). */
export async function carryOut(
  run: ExperimentRun,
  virtual: VirtualClock | null,
): Promise<{ end: RunEnd; input: ReportInput }> {
  const carriedOut = run.carryOut();
  if (virtual === null) return carriedOut;
  // The clock runs until the run is over: timers that would go on for ever do not keep it.
  const stopped = carriedOut.finally(() => {
    virtual.stop();
  });
  stopped.catch(() => undefined);
  await virtual.run();
  return carriedOut;
}
