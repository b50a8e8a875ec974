import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import { FileSink } from '../../runtime/record/files.js';
import { sampleData } from '../observe/sample-data.js';

const EVENTS = 'events.ndjson.gz';
const METRICS = 'metrics.ndjson.gz';
const EVENT: ExperimentEvent = { type: 'segment', at: 1_767_538_800_000.25, label: 'steady', ratePerMin: 500 };

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sink-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function read(name: string): Promise<unknown[]> {
  const text = gunzipSync(await readFile(join(folder, name))).toString();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

/** Every number of a tree, changed. */
function mapNumbers(tree: unknown, change: (value: number) => number): unknown {
  if (typeof tree === 'number') return change(tree);
  if (typeof tree !== 'object' || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, mapNumbers(value, change)]));
}

describe('file sink', () => {
  it('records every event and every figure of every sample, one object a line', async () => {
    const sink = new FileSink(folder);
    const data = sampleData(1_767_538_800_000);
    sink.event(EVENT);
    sink.event(EVENT);
    sink.sample(data);
    sink.flush();
    await sink.close();
    expect(await read(EVENTS)).toEqual([EVENT, EVENT]);
    expect(await read(METRICS)).toEqual([data]);
    expect(sink.state()).toEqual({ name: 'files', records: 3, complete: true, note: '' });
    expect(sink.error).toBeNull();
  });

  it('records measured figures to four decimals, and what nobody measured as nothing', async () => {
    const sink = new FileSink(folder);
    const data = sampleData(1_767_538_800_000);
    const performance = mapNumbers(data.performance, () => 1.234_567_89) as typeof data.performance;
    sink.sample({ ...data, performance: { ...performance, p99Recent: NaN }, cost: 99.999_96 });
    await sink.close();
    const recorded = mapNumbers(performance, () => 1.234_6) as object;
    expect(await read(METRICS)).toMatchObject([
      { performance: { ...recorded, queueDepth: expect.closeTo(1.234_6, 4), p99Recent: null }, cost: 100 },
    ]);
  });

  it('says what is missing when it could not write', async () => {
    const first = new FileSink(folder);
    first.event(EVENT);
    await first.close();
    const second = new FileSink(folder);
    second.event(EVENT);
    await second.close();
    second.event(EVENT);
    const { complete, note } = second.state();
    expect(complete).toBe(false);
    expect(note).toMatch(/EEXIST.*; 1 records dropped/);
    expect(second.error).toMatchObject({ code: 'EEXIST' });
    expect(await read(EVENTS)).toEqual([EVENT]);
  });

  it('holds a run up only while it has more than it can hold', async () => {
    const sink = new FileSink(folder);
    expect(sink.pressure()).toBeNull();
    for (let i = 0; i < 20; i += 1) sink.event({ ...EVENT, label: 'x'.repeat(70_000) });
    await sink.pressure();
    expect(sink.pressure()).toBeNull();
    await sink.close();
  });
});
