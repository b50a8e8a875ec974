import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const REPO = resolve(__dirname, '../..');
const ENTRY = 'infra/redis-config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compiled-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Loads the entry in a process of its own; what it exports, by name. */
function load(into = folder): string {
  const script = `
    const compiled = require(${JSON.stringify(join(REPO, 'stacks/compiled.cjs'))});
    const exported = compiled(${JSON.stringify(ENTRY)}, ${JSON.stringify(into)});
    process.stdout.write(Object.keys(exported).sort().join());`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const files = (end: string): string[] => readdirSync(folder).filter((name) => name.endsWith(end));

const index = (): { bundle: string; sources: Record<string, string> } =>
  JSON.parse(readFileSync(join(folder, files('.json')[0]!), 'utf8')) as {
    bundle: string;
    sources: Record<string, string>;
  };

describe('a program that is loaded as one bundle', () => {
  it('exports the same the first time, when it is made, and the second time, when it is kept', () => {
    const first = load();
    expect(first).not.toBe('');
    expect(files('.cjs')).toHaveLength(1);
    const { bundle, sources } = index();
    expect(sources).toHaveProperty([ENTRY]);
    expect(sources).toHaveProperty(['package-lock.json']);
    writeFileSync(bundle, 'exports.kept = 1;');
    expect(load()).toBe('kept');
  });

  it('is made anew once a source or a package changed', () => {
    const first = load();
    const { bundle, sources } = index();
    for (const source of [ENTRY, 'package-lock.json']) {
      writeFileSync(bundle, 'exports.kept = 1;');
      const stale = { ...sources, [source]: '1 1' };
      writeFileSync(join(folder, files('.json')[0]!), JSON.stringify({ bundle, sources: stale }));
      expect(load()).toBe(first);
    }
  });

  it('is made anew when what was kept is cut short or gone', () => {
    const first = load();
    const name = join(folder, files('.json')[0]!);
    const text = readFileSync(name, 'utf8');
    writeFileSync(name, text.slice(0, text.length / 2));
    expect(load()).toBe(first);
    rmSync(index().bundle);
    expect(load()).toBe(first);
  });

  it('is not kept while a source is being written, as the bundle may hold either state of it', () => {
    const file = join(REPO, 'stacks/compiled.cjs');
    const [before, soon] = [new Date(), new Date(Date.now() + 60_000)];
    utimesSync(file, soon, soon);
    try {
      load();
      expect(files('.json')).toEqual([]);
    } finally {
      utimesSync(file, before, before);
    }
  });

  it('is loaded where nothing can be kept', () => {
    const first = load();
    // A file in the place of the folder: nothing can be written below it, not even by root.
    const nowhere = join(folder, 'file');
    writeFileSync(nowhere, '');
    expect(load(nowhere)).toBe(first);
  });
});
