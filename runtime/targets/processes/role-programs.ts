import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ExperimentError } from '../../kernel/errors.js';

const ROOT = resolve(__dirname, '../../..');

/**
 * Where the programs of runtime roles are: those beside our own where we are a bundle ourselves (the image), else made
 * now from the sources, into `folder`. A role as a bundle starts in a tenth of the time and the memory.
 *
 * @throws ExperimentError INTERNAL when they cannot be made.
 */
export async function rolePrograms<Name extends string>(
  names: readonly Name[],
  folder: string,
): Promise<Record<Name, string>> {
  // The bundle of the command line is cli/main.cjs, roles/ lies beside it.
  const own = programsIn(names, resolve(__dirname, '../roles'));
  if (Object.values<string>(own).every((file) => existsSync(file))) return own;
  const made = programsIn(names, folder);
  // What reads files of its own is not in the bundle.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const tool = join(ROOT, 'build/bundle.mjs');
  // In a process of its own: the bundler leaves one running, and is busy with more than our event loop can spare.
  const script = `
    const { bundleRole, keepCompiled } = await import(${JSON.stringify(pathToFileURL(tool).href)});
    const made = ${JSON.stringify(made)};
    for (const [name, file] of Object.entries(made)) await bundleRole(name, './runtime/roles/' + name + '.js', file);
    // Of agents there are hundreds: what they need not compile is worth a second now.
    if (made.agent !== undefined) await keepCompiled('agent', made.agent);`;
  try {
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ExperimentError(
      'INTERNAL',
      'The programs of the processes could not be made',
      [{ path: tool, message }],
      {
        cause: error,
      },
    );
  }
  return made;
}

function programsIn<Name extends string>(names: readonly Name[], folder: string): Record<Name, string> {
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.cjs`)])) as Record<Name, string>;
}
