import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const TOOL = pathToFileURL(resolve(__dirname, '../../build/bundle.mjs')).href;

/** A program as one file. @param entry path within the repository. */
export function bundled(entry: string, outfile: string): string {
  call(`bundleOne({ entryPoints: [${JSON.stringify(entry)}] }, ${JSON.stringify(outfile)})`);
  return outfile;
}

/** A role's process as one file. @param module path within the repository, without extension. Answers its sources. */
export function bundledRole(name: string, module: string, outfile: string): readonly string[] {
  return JSON.parse(
    call(`bundleRole(${JSON.stringify(name)}, ${JSON.stringify(`./${module}.js`)}, ${JSON.stringify(outfile)})`),
  ) as string[];
}

/** Keeps a role's file also as it is compiled, as those of the image are. */
export function keepCompiled(role: string, file: string): void {
  call(`keepCompiled(${JSON.stringify(role)}, ${JSON.stringify(file)})`);
}

/** In a process of its own: Jest does not load modules of the other kind. Answers the result as JSON. */
function call(expression: string): string {
  const script = `import * as bundle from ${JSON.stringify(TOOL)};
    const { bundleOne, bundleRole, keepCompiled } = bundle;
    process.stdout.write(JSON.stringify((await ${expression}) ?? null));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
}
