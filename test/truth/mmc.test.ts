import { agrees, judgeMmc, MMC_CASES, simulateMmc } from '../support/mmc.js';

/** Long enough for intervals of ± 5 %: see the half-widths that `npm run bench:truth` prints. */
const TASKS = [200_000, 300_000, 400_000, 6_000_000] as const;
const HALF_WIDTH = 0.05;

describe('mean wait of the simulated fleet', () => {
  it.each(MMC_CASES.map(({ agents, slots, utilisation }, i) => [agents * slots, utilisation, i] as const))(
    'at %d slots and utilisation %d is what Erlang C says, to 5 %%, and Little’s law holds',
    async (_servers, _utilisation, number) => {
      const result = await judgeMmc(number, TASKS[number]!, HALF_WIDTH);
      expect({ ...result, agrees: agrees(result, HALF_WIDTH) }).toMatchObject({ agrees: true });
      for (const { meanNumber, rateTimesMeanTime } of result.little) {
        expect(meanNumber / rateTimesMeanTime).toBeCloseTo(1, 6);
      }
    },
    600_000,
  );

  it('would show a wait that is 10 % off', async () => {
    const result = await simulateMmc({ ...MMC_CASES[1]!, tasks: 200_000 }, 1);
    expect(agrees(result, HALF_WIDTH)).toBe(true);
    expect(agrees({ ...result, theoryMs: result.theoryMs * 1.1 }, HALF_WIDTH)).toBe(false);
    expect(agrees({ ...result, theoryMs: result.theoryMs / 1.1 }, HALF_WIDTH)).toBe(false);
  });
});
