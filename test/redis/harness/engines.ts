import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

let environment: NodeJS.ProcessEnv | undefined;

/** Environment in which the real engines are found on PATH. @throws Error when they have not been got yet. */
export function engineEnvironment(): NodeJS.ProcessEnv {
  if (environment === undefined) {
    const told = execFileSync(process.execPath, [join(__dirname, '../tools/where.mjs')], { encoding: 'utf8' });
    const { path, missing } = JSON.parse(told) as { path: string[]; missing: string[] };
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}; run node test/redis/tools/build.mjs`);
    environment = { ...process.env, PATH: [...path, process.env['PATH']].join(':') };
  }
  return environment;
}
