import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../runtime/kernel/random.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { Fetch } from '../../stacks/asking.js';
import { readManifest } from '../../stacks/operator-manifest.js';

const path = join(mkdtempSync(join(tmpdir(), 'manifest-')), 'operator.yaml');
writeFileSync(path, 'kind: Namespace\n');
const sum = createHash('sha256').update('kind: Namespace\n').digest('hex');

const ADDRESS = 'https://example.test/operator.yaml';

const read = (manifest: string, sha256: string, fetch: Fetch = () => Promise.reject(new Error('not asked'))) =>
  readManifest({ manifest, sha256 }, { fetch, clock: new RealClock() });

describe('the manifest of an operator', () => {
  test('is read when it is the one that was named', async () => {
    await expect(read(path, sum)).resolves.toBe('kind: Namespace\n');
  });

  test('is refused when it is another, with the sum it has', async () => {
    await expect(read(path, '0'.repeat(64))).rejects.toThrow(sum);
  });

  test('is refused when it cannot be read', async () => {
    await expect(read(`${path}.gone`, sum)).rejects.toThrow(/cannot be read/);
  });

  test('is fetched from an https address', async () => {
    const fetch: Fetch = (url) => Promise.resolve(new Response(url === ADDRESS ? 'kind: Namespace\n' : ''));
    await expect(read(ADDRESS, sum, fetch)).resolves.toBe('kind: Namespace\n');
  });

  test('is refused with where it is named, why, and what to do', async () => {
    const refusedConnection = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 192.0.2.1:443') });
    const fetch: Fetch = () => Promise.reject(refusedConnection);
    await expect(read(ADDRESS, sum, fetch)).rejects.toMatchObject({
      problems: [
        {
          path: 'deployment.stores.postgres.operator.manifest',
          value: ADDRESS,
          message: 'cannot be read: connect ECONNREFUSED 192.0.2.1:443',
          hint: expect.stringContaining('the path of a copy'),
        },
      ],
    });
  });

  test('is not waited for longer than 30 s, its body included', async () => {
    const clock = new VirtualClock(0, new Random(1, 'ties'));
    const endless = new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
    const fetch: Fetch = () => Promise.resolve(endless);
    const refused = readManifest({ manifest: ADDRESS, sha256: sum }, { fetch, clock }).catch(String);
    await clock.run();
    expect(clock.now()).toBe(30_000);
    expect(await refused).toContain(`GET ${ADDRESS}: no answer within 30 s`);
  });
});
