import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { NdjsonFile } from '../../runtime/record/ndjson-file.js';

const clock = new RealClock();
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ndjson-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** What can be read of a file that may lack its end. */
async function linesOf(path: string): Promise<string[]> {
  const text = gunzipSync(await readFile(path), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
  return text.split('\n').slice(0, -1);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await condition()) return;
    await clock.sleep(10);
  }
  throw new Error('still not so after 2 s');
}

describe('compressed file of lines', () => {
  it('holds every line in order once it is closed', async () => {
    const file = new NdjsonFile(join(folder, 'a.gz'));
    const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ i, text: 'ä€😀'.repeat(i % 5) }));
    for (const line of lines) file.write(line);
    await file.close();
    expect(file.error).toBeNull();
    expect(file.records).toBe(20_000);
    expect(file.dropped).toBe(0);
    expect(gunzipSync(await readFile(file.path)).toString()).toBe(`${lines.join('\n')}\n`);
  });

  it('can be read up to its last flush while it is open, as after a kill -9', async () => {
    const file = new NdjsonFile(join(folder, 'a.gz'));
    file.write('one');
    file.write('two');
    file.flush();
    file.write('three, not flushed');
    await until(async () => (await linesOf(file.path).catch(() => [])).length >= 2);
    expect(await linesOf(file.path)).toEqual(['one', 'two']);
    await file.close();
    expect(await linesOf(file.path)).toEqual(['one', 'two', 'three, not flushed']);
  });

  it('says when it has more than it can hold, and when that is over', async () => {
    const file = new NdjsonFile(join(folder, 'a.gz'));
    expect(file.pressure()).toBeNull();
    const line = 'x'.repeat(70_000);
    for (let i = 0; i < 20; i += 1) file.write(line);
    const pressure = file.pressure();
    expect(pressure).toBeInstanceOf(Promise);
    expect(file.pressure()).toBe(pressure);
    await pressure;
    expect(file.pressure()).toBeNull();
    await file.close();
    expect(await linesOf(file.path)).toHaveLength(20);
  });

  it('drops lines instead of filling the memory when the disk does not follow, and counts them', async () => {
    const file = new NdjsonFile(join(folder, 'a.gz'));
    const line = 'x'.repeat(8 * 1024 * 1024);
    for (let i = 0; i < 20; i += 1) file.write(line);
    expect(file.dropped).toBeGreaterThan(5);
    expect(file.records + file.dropped).toBe(20);
    await file.close();
    expect(await linesOf(file.path)).toHaveLength(file.records);
  });

  it('overwrites nothing', async () => {
    const path = join(folder, 'a.gz');
    await writeFile(path, 'recorded earlier');
    const file = new NdjsonFile(path);
    file.write('one');
    await file.close();
    expect(file.error).toMatchObject({ code: 'EEXIST' });
    expect(await readFile(path, 'utf8')).toBe('recorded earlier');
  });

  it('keeps nobody waiting when it cannot be written: it remembers why, and counts what is lost', async () => {
    const file = new NdjsonFile(join(folder, 'nowhere', 'a.gz'));
    for (let i = 0; i < 20; i += 1) file.write('x'.repeat(70_000));
    await file.pressure();
    await until(() => file.error !== null);
    expect(file.error).toMatchObject({ code: 'ENOENT' });
    expect(file.pressure()).toBeNull();
    file.write('one more');
    file.flush();
    expect(file.dropped).toBe(1);
    await file.close();
    await file.close();
  });

  it('takes nothing any more once it is closed', async () => {
    const file = new NdjsonFile(join(folder, 'a.gz'));
    file.write('one');
    await file.close();
    file.write('two');
    file.flush();
    expect([file.records, file.dropped]).toEqual([1, 1]);
    expect(await linesOf(file.path)).toEqual(['one']);
  });
});
