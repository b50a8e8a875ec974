import type * as FileSystem from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claim, createRunFolder, writeWhole } from '../../runtime/record/run-folder.js';

type Promises = typeof FileSystem;

jest.mock('node:fs/promises', () => {
  const real = jest.requireActual<Promises>('node:fs/promises');
  return { ...real, statfs: jest.fn(real.statfs), rename: jest.fn(real.rename) };
});

const real = jest.requireActual<Promises>('node:fs/promises');

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'runs-'));
});

afterEach(async () => {
  jest.mocked(statfs).mockReset().mockImplementation(real.statfs);
  jest.mocked(rename).mockReset().mockImplementation(real.rename);
  await rm(root, { recursive: true });
});

/** Lets the next renaming fail as the system would. */
function failOnce(code: string): void {
  jest.mocked(rename).mockRejectedValueOnce(Object.assign(new Error(`${code} on the disk`), { code }));
}

describe('run folder', () => {
  it('takes the next free name, and never fails on one that exists', async () => {
    const folders = [];
    for (let i = 0; i < 3; i += 1) folders.push(await createRunFolder('phase-3', null, join(root, 'results')));
    expect(folders).toEqual(['phase-3', 'phase-3-2', 'phase-3-3'].map((name) => join(root, 'results', name)));
    expect(await readdir(join(root, 'results'))).toHaveLength(3);
  });

  it('gives those that start at the same time a folder each', async () => {
    const folders = await Promise.all([1, 2, 3, 4].map(() => createRunFolder('phase-1', null, root)));
    expect(new Set(folders).size).toBe(4);
  });

  it('is the one that was named, if that is empty or not there yet', async () => {
    const out = join(root, 'deep', 'down');
    expect(await createRunFolder('x', out)).toBe(out);
    expect(await createRunFolder('x', out)).toBe(out);
  });

  it('refuses a named folder that holds something, and leaves it as it is', async () => {
    await writeFile(join(root, 'report.json'), '{}');
    await expect(createRunFolder('x', root)).rejects.toMatchObject({
      code: 'OUT_NOT_EMPTY',
      exitCode: 2,
      problems: [{ path: '--out' }],
    });
    expect(await readdir(root)).toEqual(['report.json']);
  });

  it('refuses a name that is a file, with what to do about it', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(createRunFolder('x', file)).rejects.toMatchObject({ exitCode: 2 });
    await expect(createRunFolder('x', null, join(file, 'results'))).rejects.toMatchObject({ exitCode: 2 });
  });

  it('refuses to start where there is no room for the records, and leaves no empty folder behind', async () => {
    jest.mocked(statfs).mockResolvedValue({ bavail: 1_000, bsize: 4_096 } as never);
    const refused = createRunFolder('phase-1', null, root);
    await expect(refused).rejects.toMatchObject({ code: 'NO_SPACE', exitCode: 2 });
    await expect(refused).rejects.toThrow('4 MiB free');
    expect(await readdir(root)).toEqual([]);
  });

  it('belongs to whoever writes the first file into it', async () => {
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((text) => claim(join(root, 'spec.json'), text)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['OUT_NOT_EMPTY', 'OUT_NOT_EMPTY']);
    const winner = ['a', 'b', 'c'][outcomes.findIndex(({ status }) => status === 'fulfilled')];
    expect(await readFile(join(root, 'spec.json'), 'utf8')).toBe(winner);
  });

  it('is taken away again when not even the first file can be written', async () => {
    const folder = await createRunFolder('phase-1', null, root);
    failOnce('ENOSPC');
    await expect(claim(join(folder, 'spec.json'), '{}')).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(await readdir(root)).toEqual([]);
  });
});

describe('writing a file as a whole', () => {
  it('replaces what was there, and leaves nothing beside it', async () => {
    const path = join(root, 'report.json');
    await writeWhole(path, 'first');
    await writeWhole(path, 'second');
    expect(await readFile(path, 'utf8')).toBe('second');
    expect(await readdir(root)).toEqual(['report.json']);
  });

  it('leaves the old file alone, and nothing half-written, when it fails', async () => {
    const path = join(root, 'report.json');
    await writeFile(path, 'old');
    failOnce('EIO');
    await expect(writeWhole(path, 'new')).rejects.toMatchObject({ code: 'FILE_UNREADABLE', exitCode: 2 });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual(['report.json']);
    await mkdir(join(root, 'folder'));
    await expect(writeWhole(join(root, 'folder'), 'new')).rejects.toMatchObject({ exitCode: 2 });
  });

  it.each(['ENOSPC', 'EDQUOT'])('tells a full disk (%s) from other trouble, and what to do', async (code) => {
    const path = join(root, 'report.json');
    failOnce(code);
    await expect(writeWhole(path, 'new')).rejects.toMatchObject({
      code: 'NO_SPACE',
      problems: [{ path, message: `${code} on the disk`, hint: expect.stringContaining('--out') }],
    });
  });
});
