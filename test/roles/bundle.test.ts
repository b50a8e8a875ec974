import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { VERSION } from '../../runtime/kernel/version.js';

const folder = mkdtempSync(join(tmpdir(), 'bundle-'));

let sizes: Record<string, number>;

beforeAll(() => {
  const tool = resolve(__dirname, '../../build/bundle.mjs');
  sizes = JSON.parse(execFileSync(process.execPath, [tool, folder], { encoding: 'utf8' })) as Record<string, number>;
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function call(...args: string[]) {
  return spawnSync(process.execPath, [join(folder, 'experiment.cjs'), ...args], {
    encoding: 'utf8',
    env: { SPEC_FILE: join(folder, 'none.json') },
  });
}

test('the bundle runs commands and roles without the sources and their packages', () => {
  expect(call('--version').stdout.trim()).toBe(VERSION);
  const role = call('role', 'agent', '--some', 'argument');
  expect(role.stdout).toContain('none.json cannot be read');
  expect(role.status).toBe(2);
  expect(call('role', '../cli/main').status).toBe(2);
});

test('a role that cannot take its compiled form runs all the same', () => {
  rmSync(join(folder, 'roles/agent.cache'));
  expect(call('role', 'agent').stdout).toContain('none.json cannot be read');
});

test('each role is a small file of its own', () => {
  const roles = Object.entries(sizes).filter(([file]) => file.startsWith('roles/'));
  expect(roles.map(([file]) => file)).toContain('roles/agent.program.cjs');
  for (const [file, bytes] of roles) {
    expect(existsSync(join(folder, file))).toBe(true);
    expect(bytes).toBeLessThan(1024 * 1024);
  }
});
