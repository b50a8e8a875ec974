import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalReader } from '../../../runtime/targets/processes/journal-reader.js';

describe('the reader of agents’ journals', () => {
  const folder = mkdtempSync(join(tmpdir(), 'journals-'));
  const reader = new JournalReader(folder);
  const line = (index: number, status = 'success'): string =>
    `${JSON.stringify({ index, attemptId: `x${index}`, status })}\n`;

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const read = async (): Promise<string[]> => {
    const told: string[] = [];
    await reader.read({ result: (index, attemptId, status) => told.push(`${index} ${attemptId} ${status}`) });
    return told;
  };

  it('tells each whole line once, and what a killed process has not finished never', async () => {
    const file = join(folder, 'agent-001.ndjson');
    writeFileSync(file, `${line(1)}${line(2, 'failed')}{"index":3,"att`);
    writeFileSync(join(folder, 'notes.txt'), line(99));
    expect(await read()).toEqual(['1 x1 success', '2 x2 failed']);
    expect(await read()).toEqual([]);
    // The next process of the name writes on.
    appendFileSync(file, line(4));
    writeFileSync(join(folder, 'agent-002.ndjson'), line(5));
    expect(await read()).toEqual(['4 x4 success', '5 x5 success']);
  });

  it('reads long files to their end', async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => line(i + 10)).join('');
    writeFileSync(join(folder, 'agent-003.ndjson'), many);
    expect(await read()).toHaveLength(5_000);
  });

  it('finds nothing where nobody has written', async () => {
    await new JournalReader(join(folder, 'nowhere')).read({ result: () => undefined });
  });
});
