import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { HOUR } from '../../runtime/kernel/units.js';
import { renderJson } from '../../runtime/report/render-json.js';
import { execute } from '../../runtime/targets/execute.js';
import { checkSeed } from '../simulation/check-seed.js';
import { onError } from '../support/core.js';
import { phase } from './rehearse.js';

describe('a rehearsal', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agent-experiment-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function recorded(name: string, seed: number): Promise<{ events: string; report: string }> {
    const out = join(folder, name);
    const experiment = phase(3, { duration: HOUR / 2, seed });
    const { report } = await execute({ experiment, target: 'rehearsal', out, onRun: () => undefined, onError });
    const events = gunzipSync(await readFile(join(out, 'events.ndjson.gz'))).toString();
    return { events, report: renderJson(report) };
  }

  it('gives the same bytes of events and report for the same spec and seed, and others for another seed', async () => {
    const first = await recorded('first', 7);
    const second = await recorded('second', 7);
    const other = await recorded('other', 8);
    expect(first.events.length).toBeGreaterThan(1_000);
    expect(second.events).toBe(first.events);
    expect(second.report).toBe(first.report);
    expect(other.report).not.toBe(first.report);
  });

  it.each([5, 11, 12, 17, 50, 92, 303])('holds every invariant of the simulation with seed %d', async (seed) => {
    expect((await checkSeed(seed)).problems).toEqual([]);
  });
});
