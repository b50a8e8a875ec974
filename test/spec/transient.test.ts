import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { forecastLoad, type SegmentForecast } from '../../runtime/spec/load-forecast.js';
import { serviceDistribution } from '../../runtime/spec/service-distribution.js';
import { transientPath, type TransientInput } from '../../runtime/spec/transient.js';
import { sampleExperiment, segmentsOf, type SampleChanges } from './sample-experiment.js';
import { simulateFleet, type SimulatedSegment } from './simulated-fleet.js';

const FIRST_COME = { priorityShares: [0, 0, 0, 1] } as const;

function input(changes: Partial<TransientInput> & Pick<TransientInput, 'segments'>, slots = 800): TransientInput {
  const endMs = changes.segments.at(-1)?.endMs ?? 0;
  return {
    startMs: 0,
    endMs,
    capacity: [{ startMs: 0, endMs, slots }],
    service: serviceDistribution(sampleExperiment().tasks),
    arrivals: 'uniform',
    attempts: 1,
    shares: [0.1, 0.2, 0.5, 0.2],
    maxWaiting: () => 500,
    refuses: 'alike',
    ...changes,
  };
}

/** Forecast and the mean of ten simulated runs, of one segment. */
function compare(changes: SampleChanges, index: number): { forecast: SegmentForecast; simulated: SimulatedSegment } {
  const experiment = sampleExperiment(changes);
  const forecast = forecastLoad(experiment)[index] as SegmentForecast;
  const runs = Array.from({ length: 10 }, (_, seed) => simulateFleet(experiment, seed)[index] as SimulatedSegment);
  const mean = (of: (run: SimulatedSegment) => number): number =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return {
    forecast,
    simulated: {
      p99WaitMs: mean((run) => run.p99WaitMs),
      meanWaitMs: mean((run) => run.meanWaitMs),
      backlogAtEnd: mean((run) => run.backlogAtEnd),
      refused: mean((run) => run.refused),
    },
  };
}

describe('The transient calculation', () => {
  it('fills an empty fleet to the load of Little’s law', () => {
    const cells = [...transientPath(input({ segments: segmentsOf([60, 500]) }))];
    // The very last cell reaches beyond the end of the load.
    expect(cells.at(-2)?.inSystem).toBeCloseTo((500 / 60) * 38, 1);
    // Evenly spaced arrivals scatter less than Poisson arrivals, whose variance is the mean.
    const deviation = cells.at(-2)?.standardDeviation ?? 0;
    expect(deviation ** 2).toBeLessThan((500 / 60) * 38 * 0.7);
    const poisson = [...transientPath(input({ segments: segmentsOf([60, 500]), arrivals: 'poisson' }))].at(-2);
    expect((poisson?.standardDeviation ?? 0) ** 2 / ((500 / 60) * 38)).toBeCloseTo(1, 3);
  });

  it('loses nothing: what was offered is in the system, refused, or has been served', () => {
    const segments = segmentsOf([2, 500], [4, 1500], [1, 100]);
    let served = 0;
    let offered = 0;
    let refused = 0;
    let before = 0;
    let inSystem = 0;
    for (const cell of transientPath(input({ segments }))) {
      const spanMs = cell.endMs - cell.startMs;
      offered += cell.offeredPerMs * spanMs;
      refused += cell.refused.reduce((a, b) => a + b, 0);
      served += cell.offeredPerMs * spanMs - (cell.inSystem - before) - cell.refused.reduce((a, b) => a + b, 0);
      before = cell.inSystem;
      inSystem = cell.inSystem;
    }
    expect(offered).toBeCloseTo(500 * 2 + 1500 * 4 + 100, 0);
    expect(served + refused + inSystem).toBeCloseTo(offered, 3);
    expect(refused).toBeGreaterThan(100);
  });

  it('jumps over time in which nothing changes', () => {
    const cells = [...transientPath(input({ segments: segmentsOf([72 * 60, 500]) }))];
    expect(cells.length).toBeLessThan(1_000);
    expect(cells.at(-1)?.endMs).toBeGreaterThanOrEqual(72 * 60 * MINUTE);
    expect(cells.reduce((sum, cell) => sum + cell.offeredPerMs * (cell.endMs - cell.startMs), 0)).toBeCloseTo(
      500 * 72 * 60,
      0,
    );
  });

  it('refuses the least important first under admission, and everybody alike when the queue is full', () => {
    const segments = segmentsOf([20, 1500]);
    const last = (refuses: TransientInput['refuses']): readonly number[] =>
      [...transientPath(input({ segments, refuses }))].at(-2)?.refused ?? [];
    expect(last('least_important').slice(0, 3)).toEqual([0, 0, 0]);
    expect(last('least_important')[3]).toBeGreaterThan(0);
    const [p0, p1, p2] = last('alike') as [number, number, number];
    expect(p1 / p0).toBeCloseTo(2, 6);
    expect(p2 / p0).toBeCloseTo(5, 6);
  });

  it('does not depend on the number of slots in its cost', () => {
    const segments = segmentsOf([10, 50_000_000]);
    const cells = [...transientPath(input({ segments, maxWaiting: () => 1e9 }, 40_000_000))];
    expect(cells.at(-1)?.inSystem).toBeGreaterThan(31_000_000);
  });
});

describe('The transient calculation agrees with simulation', () => {
  it('on a burst of 1,000/min for 2 min on 800 slots: nobody waits', () => {
    const { forecast, simulated } = compare({ segments: segmentsOf([20, 500], [2, 1000]) }, 1);
    expect(forecast.method).toBe('transient');
    expect(forecast.busySlots).toBeCloseTo(633.3, 1);
    expect(forecast.p99WaitMs).toBe(0);
    expect(simulated.p99WaitMs).toBe(0);
  });

  it('on the backlog that 1,500/min for 2 min leaves on 800 slots, within 10 %', () => {
    const { forecast, simulated } = compare({ segments: segmentsOf([10, 500], [2, 1500], [8, 500]) }, 1);
    expect(simulated.backlogAtEnd).toBeGreaterThan(250);
    expect(forecast.backlogAtEnd / simulated.backlogAtEnd).toBeGreaterThan(0.9);
    expect(forecast.backlogAtEnd / simulated.backlogAtEnd).toBeLessThan(1.1);
  });

  it('on the P99 wait of that burst, first come first served and with priorities, within 10 %', () => {
    for (const tasks of [FIRST_COME, {}]) {
      const { forecast, simulated } = compare({ segments: segmentsOf([10, 500], [2, 1500], [8, 500]), tasks }, 1);
      expect(simulated.p99WaitMs).toBeGreaterThan(10 * SECOND);
      expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeGreaterThan(0.9);
      expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeLessThan(1.1);
    }
  });

  it('on what the burst does to the segment after it, within 15 %', () => {
    const changes = { segments: segmentsOf([10, 500], [2, 1500], [8, 500]), tasks: FIRST_COME };
    const { forecast, simulated } = compare(changes, 2);
    expect(forecast.method).toBe('both');
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeGreaterThan(0.85);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeLessThan(1.15);
  });

  it('on how many find the queue full when 2,000/min last, within 2 %', () => {
    const { forecast, simulated } = compare({ segments: segmentsOf([20, 2000]) }, 0);
    expect(forecast.refused / simulated.refused).toBeGreaterThan(0.98);
    expect(forecast.refused / simulated.refused).toBeLessThan(1.02);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeGreaterThan(0.9);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeLessThan(1.1);
  });

  it('on exponential service times and Poisson arrivals, within 15 %', () => {
    const { forecast, simulated } = compare(
      {
        segments: segmentsOf([10, 500], [2, 1500]),
        process: 'poisson',
        tasks: { ...FIRST_COME, serviceTime: { distribution: 'exponential', cv: 1 } },
      },
      1,
    );
    expect(forecast.backlogAtEnd / simulated.backlogAtEnd).toBeGreaterThan(0.85);
    expect(forecast.backlogAtEnd / simulated.backlogAtEnd).toBeLessThan(1.15);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeGreaterThan(0.85);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeLessThan(1.15);
  });

  it('in the steady state at 95 % on 20 slots (M/M/c with the Allen–Cunneen factor), within 25 %', () => {
    const { forecast, simulated } = compare({ segments: segmentsOf([2_400, 30]), fleet: { agents: 5 } }, 0);
    expect(forecast.method).toBe('M/M/c');
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeGreaterThan(0.75);
    expect(forecast.p99WaitMs / simulated.p99WaitMs).toBeLessThan(1.25);
  });
});
