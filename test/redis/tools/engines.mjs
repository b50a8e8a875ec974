import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoEngine, goEngineFolder } from '../../tools/engine-cache.mjs';
import { fetchRedis, installedRedisFits, REDIS_PROGRAMS, redisFolder } from './redis.mjs';

/* Which real engines the Redis tests run on, where they are, and how each is had. */

const here = dirname(fileURLToPath(import.meta.url));

const TOXIPROXY = {
  module: 'toxiproxy',
  binary: 'toxiproxy-server',
  version: '2.5.0',
  main: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  ldflags: '-s -w -X github.com/Shopify/toxiproxy/v2.Version=2.5.0',
};

/** What there is to get: programs, the folder they will be in, and what gets them. */
function engines() {
  const toxiproxy = {
    programs: [TOXIPROXY.binary],
    folder: goEngineFolder(TOXIPROXY, here),
    get: (say) => buildGoEngine(TOXIPROXY, here, say),
  };
  if (installedRedisFits()) return [toxiproxy];
  return [{ programs: REDIS_PROGRAMS, folder: redisFolder(), get: fetchRedis }, toxiproxy];
}

/** Folders to put first on PATH so that the engines are found; says in `missing` which have to be got first. */
export function findEngines() {
  const all = engines();
  return {
    path: all.map(({ folder }) => folder),
    missing: all.filter(({ folder, programs }) => programs.some((program) => !existsSync(join(folder, program)))),
  };
}
