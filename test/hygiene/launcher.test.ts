import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree, PROJECT, run, type Outcome, type Tree } from './tree.js';

/** A stand-in for the command line that tells what it was given. Loaded late on purpose: that too must find its way. */
const MAIN = `
import type { Told } from './told.js';
async function main(): Promise<void> {
  const { tell } = await import('./told.js');
  const told: Told = { cwd: process.cwd(), args: process.argv.slice(2) };
  tell(told);
  process.exitCode = 3;
}
main().catch(() => process.exit(9));
`;
const TOLD = `
export interface Told { readonly cwd: string; readonly args: readonly string[] }
export const tell = (told: Told): void => console.log(JSON.stringify(told));
`;

describe('experiment.sh', () => {
  let tree: Tree;
  let project: string;
  let elsewhere: string;

  beforeAll(() => {
    // Each of these characters means something in a URL or to a shell.
    const name = "odd #1 50%20 'folder'";
    tree = makeTree(
      {
        [`${name}/tsconfig.json`]: '{ "compilerOptions": { "module": "node20" } }',
        [`${name}/package.json`]: '{ "name": "tree" }',
        [`${name}/runtime/cli/main.ts`]: MAIN,
        [`${name}/runtime/cli/told.ts`]: TOLD,
        'elsewhere/tsconfig.json': '{ not even JSON',
      },
      'none',
    );
    project = join(tree.folder, name);
    elsewhere = join(tree.folder, 'elsewhere');
    copyFileSync(join(PROJECT, 'experiment.sh'), join(project, 'experiment.sh'));
    symlinkSync(join(PROJECT, 'node_modules'), join(project, 'node_modules'), 'dir');
  });

  afterAll(() => tree.remove());

  test('hands over the arguments, the folder of the caller and the exit code', async () => {
    const outcome = await run(join(project, 'experiment.sh'), ['start', '--title', 'two words', ''], elsewhere);
    expect(outcome).toMatchObject({ exitCode: 3, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toEqual({
      cwd: realpathSync(elsewhere),
      args: ['start', '--title', 'two words', ''],
    });
  });

  test('finds its project through a chain of symbolic links, relative ones included', async () => {
    mkdirSync(join(tree.folder, 'bin'));
    symlinkSync(join(project, 'experiment.sh'), join(tree.folder, 'bin/first'));
    symlinkSync('first', join(tree.folder, 'bin/second'));
    expect((await run('../bin/second', ['plan'], elsewhere)).exitCode).toBe(3);
  });

  test.each(['v20.18.9', 'v18.20.0', 'v6.0.0'])('refuses Node.js %s with exit code 2', async (version) => {
    const outcome = await withFakeNode(version);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain(version);
    expect(outcome.stderr).toContain('20.19');
  });

  test.each(['v20.19.0', 'v22.0.0', 'v100.1.2'])('accepts Node.js %s', async (version) => {
    expect(await withFakeNode(version)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('says that Node.js is missing with exit code 2', async () => {
    const outcome = await withPath(toolsOnly('bare'));
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain('Node.js is not installed');
  });

  test('says that the dependencies are missing, and the command that installs them, with exit code 2', async () => {
    const fresh = join(tree.folder, 'fresh');
    mkdirSync(fresh);
    copyFileSync(join(PROJECT, 'experiment.sh'), join(fresh, 'experiment.sh'));
    const outcome = await run(join(fresh, 'experiment.sh'), ['plan'], elsewhere);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain('npm ci');
    expect(outcome.stderr).toContain(realpathSync(fresh));
  });

  /** A folder with what the script calls, and no Node.js in it. */
  function toolsOnly(name: string): string {
    const folder = join(tree.folder, name);
    mkdirSync(folder);
    for (const tool of ['dirname', 'readlink', 'sed', 'sh']) symlinkSync(whereIs(tool), join(folder, tool));
    return folder;
  }

  function withFakeNode(version: string): Promise<Outcome> {
    const folder = toolsOnly(`node-${version}`);
    const node = join(folder, 'node');
    writeFileSync(node, `#!/bin/sh\n[ "$1" != --version ] || echo ${version}\n`);
    chmodSync(node, 0o755);
    return withPath(folder);
  }

  function withPath(path: string): Promise<Outcome> {
    return run(join(project, 'experiment.sh'), ['plan'], elsewhere, { PATH: path });
  }
});

function whereIs(tool: string): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  const found = folders.map((folder) => join(folder, tool)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${tool} is not in any of ${folders.join(', ')}`);
  return found;
}
