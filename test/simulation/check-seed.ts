import { scenarioOf } from './scenario.js';
import { simulate, type Simulated } from './simulate.js';

/** How a seed did. */
export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly string[];
  /** Events run, over all runs of the seed. */
  readonly events: number;
  /** How the plain run ended, for those who look at single seeds. */
  readonly end: string;
}

/**
 * Runs one random scenario several times: as it is, once more (the same bytes must come out), with the ties between
 * simultaneous events drawn otherwise (the invariants must still hold), and, where the scenario says so, cut off and
 * taken up again from a snapshot.
 */
export async function checkSeed(seed: number): Promise<SeedResult> {
  const scenario = scenarioOf(seed);
  const problems: string[] = [];
  let events = 0;
  const note = (name: string, { problems: found, events: count }: Simulated): void => {
    problems.push(...found.map((problem) => `${name}: ${problem}`));
    events += count;
  };

  const plain = await simulate(scenario, { tieSeed: seed, interrupt: false, watched: true });
  note('plain run', plain);
  const again = await simulate(scenario, { tieSeed: seed, interrupt: false, watched: false });
  const difference = firstDifference(plain, again);
  if (difference !== null) problems.push(`the same seed twice: ${difference}`);
  events += again.events;
  note('with other ties', await simulate(scenario, { tieSeed: seed + 1_000_003, interrupt: false, watched: true }));

  if (scenario.interruption !== null) {
    const cut = await simulate(scenario, { tieSeed: seed, interrupt: true, watched: true });
    note('cut off', cut);
    if (cut.left !== null) {
      note('taken up', await simulate(scenario, { tieSeed: seed, interrupt: false, watched: true, left: cut.left }));
    }
  }
  const { end } = plain;
  return { seed, problems, events, end: end === null ? 'none' : `${end.state}: ${end.reason}` };
}

function firstDifference(a: Simulated, b: Simulated): string | null {
  const line = a.lines.findIndex((text, i) => text !== b.lines[i]);
  if (line >= 0) return `event ${line} is ${String(a.lines[line])}, then ${String(b.lines[line])}`;
  if (a.lines.length !== b.lines.length) return `${a.lines.length} events, then ${b.lines.length}`;
  return a.report === b.report ? null : 'the events agree and report.json does not';
}
