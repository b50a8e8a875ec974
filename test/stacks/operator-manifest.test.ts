import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest } from '../../stacks/operator-manifest.js';

const path = join(mkdtempSync(join(tmpdir(), 'manifest-')), 'operator.yaml');
writeFileSync(path, 'kind: Namespace\n');
const sum = createHash('sha256').update('kind: Namespace\n').digest('hex');

describe('the manifest of an operator', () => {
  test('is read when it is the one that was named', async () => {
    await expect(readManifest(path, sum)).resolves.toBe('kind: Namespace\n');
  });

  test('is refused when it is another, with the sum it has', async () => {
    await expect(readManifest(path, '0'.repeat(64))).rejects.toThrow(sum);
  });

  test('is refused when it cannot be read', async () => {
    await expect(readManifest(`${path}.gone`, sum)).rejects.toThrow(/cannot be read/);
  });
});
