// Makes package-lock.json the same wherever it is written (`npm run lock`):
// - takes the addresses out: which registry a machine uses is its own affair, and npm finds packages by name;
// - enters the optional packages of other platforms where the registry in use does not carry them; `npm ci` takes a
//   lock file without them for one that is out of date, and never fetches them on this platform.
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));

for (const entry of Object.values(lock.packages)) delete entry.resolved;
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages) continue;
    if (!/^\d/.test(version)) continue;
    const words = name.split(/[-/]/);
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [PROCESSORS.find((cpu) => words.some((word) => word === cpu || word.startsWith(cpu))) ?? 'none'],
      ...(dev === true ? { dev } : {}),
      optional: true,
      os: [SYSTEMS.find((system) => words.includes(system)) ?? 'none'],
    };
  }
}
const [root, ...others] = Object.entries(lock.packages);
others.sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries([root, ...others]);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
