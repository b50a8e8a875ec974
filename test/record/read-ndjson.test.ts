import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readNdjson } from '../../runtime/record/read-ndjson.js';

const LINES = Array.from({ length: 500 }, (_, i) => ({ i, text: `größe ${(i * 7_919) % 1_000}` }));
const TEXT = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lines-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function read(content: Buffer) {
  const path = join(folder, 'a.gz');
  await writeFile(path, content);
  return readNdjson(path);
}

describe('reading compressed lines', () => {
  it('gives back what was written', async () => {
    expect(await read(gzipSync(TEXT))).toEqual({ lines: LINES, whole: true });
    expect(await read(gzipSync(''))).toEqual({ lines: [], whole: true });
  });

  it('gives every whole line of a file that was cut off anywhere, and says that something is missing', async () => {
    const whole = gzipSync(TEXT);
    for (const share of [0.01, 0.3, 0.7, 0.99]) {
      const { lines, whole: complete } = await read(whole.subarray(0, Math.floor(whole.length * share)));
      expect(complete).toBe(false);
      expect(lines.length).toBeLessThan(LINES.length);
      expect(lines).toEqual(LINES.slice(0, lines.length));
      if (share > 0.5) expect(lines.length).toBeGreaterThan(100);
    }
  });

  it('stops at a line that is none, or has no end', async () => {
    const broken = `${JSON.stringify(LINES[0])}\n{"i":\n${JSON.stringify(LINES[1])}\n`;
    expect(await read(gzipSync(broken))).toEqual({ lines: [LINES[0]], whole: false });
    expect(await read(gzipSync(`${JSON.stringify(LINES[0])}\n{"i":1}`))).toEqual({ lines: [LINES[0]], whole: false });
  });

  it('says of a file that is not there, or not compressed, that it has nothing', async () => {
    expect(await readNdjson(join(folder, 'nowhere.gz'))).toEqual({ lines: [], whole: false });
    expect(await read(Buffer.from(TEXT))).toEqual({ lines: [], whole: false });
    expect(await read(Buffer.alloc(0))).toEqual({ lines: [], whole: false });
  });
});
