import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { StageTally, type StageJson } from '../../runtime/observe/stage-tally.js';
import type { LoadSegment } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';

const stages = [
  { startMs: 0, endMs: 15 * MINUTE, agents: 50 },
  { startMs: 15 * MINUTE, endMs: 30 * MINUTE, agents: 100 },
];
const segments: LoadSegment[] = stages.flatMap(({ startMs, endMs }) => [
  { startMs, endMs: startMs + 3 * MINUTE, ratePerMin: 900, label: 'ramp' },
  { startMs: startMs + 3 * MINUTE, endMs, ratePerMin: 900, label: 'steady' },
]);

/** Completions every `gapMs` in (from, to]. */
function complete(tally: StageTally, from: number, to: number, gapMs: number): void {
  for (let at = from + gapMs; at <= to; at += gapMs) {
    tally.completed(at);
    tally.advance(at);
  }
}

describe('stage tally', () => {
  it('measures each stage without its ramp', () => {
    const tally = new StageTally(experiment({ fleet: { stages }, segments, durationMs: 30 * MINUTE }));
    complete(tally, 0, 3 * MINUTE, 50);
    complete(tally, 3 * MINUTE, 15 * MINUTE, 200);
    complete(tally, 15 * MINUTE, 18 * MINUTE, 50);
    complete(tally, 18 * MINUTE, 30 * MINUTE, 100);
    expect(tally.summary).toEqual([
      { agents: 50, throughputPerMin: 300 },
      { agents: 100, throughputPerMin: 600 },
    ]);
  });

  it('lets agents come and earlier tasks end where no ramp is declared', () => {
    const tally = new StageTally(experiment({ fleet: { stages, nodeStartupMs: 120 * SECOND } }));
    complete(tally, 0, 122 * SECOND, 100);
    complete(tally, 122 * SECOND, 10 * MINUTE, 1_000);
    expect(tally.summary).toEqual([{ agents: 50, throughputPerMin: 60 }]);
  });

  it('says nothing of stages that were not reached, nor of a fleet without stages', () => {
    const tally = new StageTally(experiment({ fleet: { stages }, segments }));
    complete(tally, 0, MINUTE, 100);
    expect(tally.summary).toEqual([]);
    const plain = new StageTally(experiment());
    complete(plain, 0, MINUTE, 100);
    expect(plain.summary).toEqual([]);
  });

  it('comes back from JSON as it was', () => {
    const tally = new StageTally(experiment({ fleet: { stages }, segments }));
    complete(tally, 0, 20 * MINUTE, 100);
    const copy = new StageTally(experiment({ fleet: { stages }, segments }));
    copy.restore(JSON.parse(JSON.stringify(tally)) as StageJson);
    expect(copy.summary).toEqual(tally.summary);
    expect(copy.summary).toHaveLength(2);
  });
});
