import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSpec } from '../../runtime/roles/read-spec.js';
import { specHash } from '../../runtime/spec/spec-hash.js';
import { experiment } from '../support/experiment.js';

const folder = mkdtempSync(join(tmpdir(), 'read-spec-'));
const file = join(folder, 'spec.json');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('an experiment is checked when it is read, unless somebody has checked this very one', async () => {
  const odd = { ...experiment(), stray: 1 };
  writeFileSync(file, JSON.stringify(odd));
  expect(await readSpec(file, null)).toEqual(experiment());
  expect(await readSpec(file, specHash(experiment()))).toEqual(experiment());
  expect(await readSpec(file, specHash(odd))).toEqual(odd);
});

test('what is no experiment is refused, whatever digest was told', async () => {
  writeFileSync(file, JSON.stringify({ ...experiment(), fleet: { agents: 'many' } }));
  await expect(readSpec(file, specHash(experiment()))).rejects.toThrow('no compiled experiment');
  writeFileSync(file, '[]');
  await expect(readSpec(file, 'x')).rejects.toThrow('no compiled experiment');
});
