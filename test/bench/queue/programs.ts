import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/** Below the project: what is imported from packages is found from there. */
const FOLDER = resolve('.cache/bench-queue');

/** The programs of the processes, made by esbuild, so that no loader of TypeScript takes part in what is measured. */
export async function buildPrograms(): Promise<{ readonly producer: string; readonly consumer: string }> {
  mkdirSync(FOLDER, { recursive: true });
  await build({
    entryPoints: ['producer', 'consumer'].map((name) => join(__dirname, `${name}.ts`)),
    outdir: FOLDER,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
  });
  return { producer: join(FOLDER, 'producer.cjs'), consumer: join(FOLDER, 'consumer.cjs') };
}
