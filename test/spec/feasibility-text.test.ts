import { assessFeasibility, formatFeasibility } from '../../runtime/spec/feasibility.js';
import { sampleExperiment, segmentsOf, type SampleChanges } from './sample-experiment.js';

const format = (changes: SampleChanges): string => formatFeasibility(assessFeasibility(sampleExperiment(changes)));
const BURSTS = segmentsOf([10, 500], [2, 1500, 'burst'], [8, 500], [10, 500], [2, 1500, 'burst'], [8, 500]);

describe('The feasibility table', () => {
  it('shows segments of the same rate as one aligned line', () => {
    const lines = format({ segments: BURSTS }).split('\n');
    expect(lines[0]).toBe('Infeasible: the load does not fit the fleet.');
    expect(lines[2]).toMatch(/^load +tasks\/min +agents +slots +busy +use +P99 wait +by +backlog +refused +verdict$/);
    expect(lines[3]).toMatch(/^steady ×4 +500 +200 +800 +317 +40 % .* fits$/);
    expect(lines[4]).toMatch(/^burst ×2 +1,500 +200 +800 +950 +119 % .* transient .* overload$/);
    const [head, first, second] = lines.slice(2, 5) as [string, string, string];
    expect(first.indexOf('fits')).toBe(head.indexOf('verdict'));
    expect(second.indexOf('overload')).toBe(head.indexOf('verdict'));
  });

  it('is at most 100 columns wide, whatever the numbers', () => {
    for (const changes of [
      { segments: BURSTS },
      { segments: segmentsOf([30, 1_250_000, 'a label of remarkable length']), fleet: { agents: 20_000, max: 20_000 } },
      { segments: segmentsOf(...Array.from({ length: 40 }, (_, i) => [4, 1_000 + i * 50] as const)) },
    ] satisfies SampleChanges[]) {
      for (const line of format(changes).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  it('takes segments of a label together when there are too many rates', () => {
    const text = format({ segments: segmentsOf(...Array.from({ length: 40 }, (_, i) => [15, 100 + i * 10] as const)) });
    expect(text).toMatch(/^steady ×40 +100–490 /m);
  });

  it('prints the expected excess of a declared overload', () => {
    const text = format({ segments: segmentsOf([30, 2000]), expect: 'graceful_degradation' });
    expect(text).toMatch(
      /^Overload, declared \(expect: graceful_degradation\): about 2\d,\d{3} tasks will be refused\.$/m,
    );
    expect(text.replace(/\s+/g, ' ')).toContain('find the queue of 500 full');
    expect(text).not.toContain('declares the overload');
  });

  it('says what would make it fit', () => {
    expect(format({ segments: BURSTS }).replace(/\s+/g, ' ')).toMatch(
      /→ It would fit with \d+ agents, 5 slots per agent, all rates lowered alike until the highest is 1,2\d\d\/min, feed-forward scaling/,
    );
  });
});
