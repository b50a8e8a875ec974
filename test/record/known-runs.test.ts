import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderOfRun, knownRuns } from '../../runtime/record/known-runs.js';

let cwd = '';

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'known-'));
});

afterEach(() => rm(cwd, { recursive: true }));

/** A run of so many minutes ago. */
async function run(name: string, minutesAgo: number): Promise<void> {
  const folder = join(cwd, 'results', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.json'), '{}');
  const at = Date.now() / 1_000 - minutesAgo * 60;
  await utimes(folder, at, at);
}

describe('known runs', () => {
  it('are the folders under results/, newest first; none where there is no such folder', async () => {
    expect(await knownRuns(cwd)).toEqual([]);
    await run('phase-1', 30);
    await run('phase-3', 10);
    await run('phase-2', 20);
    await writeFile(join(cwd, 'results', 'notes.txt'), '');
    expect(await knownRuns(cwd)).toEqual(['phase-3', 'phase-2', 'phase-1']);
  });

  it('are found by their name, by a path, or by a file in their folder', async () => {
    await run('phase-1', 1);
    const folder = join(cwd, 'results', 'phase-1');
    for (const named of ['phase-1', 'results/phase-1', folder, join(folder, 'report.json'), 'phase-1/report.json']) {
      expect(await folderOfRun(named, cwd)).toBe(folder);
    }
  });

  it('are offered by the nearest name where there is none of that name', async () => {
    await run('phase-1-rehearsal', 1);
    await run('stress', 2);
    await expect(folderOfRun('phase-1-rehersal', cwd)).rejects.toMatchObject({
      code: 'NO_RUN',
      exitCode: 2,
      problems: [{ path: 'RUN', value: 'phase-1-rehersal', hint: 'did you mean phase-1-rehearsal?' }],
    });
  });

  it('are not all listed in an error when there are many', async () => {
    for (let i = 0; i < 13; i += 1) await run(`run-${i}`, i);
    await expect(folderOfRun('/nowhere/at/all', cwd)).rejects.toThrow('and 3 more');
  });

  it('are said to be none where there are none', async () => {
    await expect(folderOfRun('x', cwd)).rejects.toThrow('there is none under results/');
  });
});
