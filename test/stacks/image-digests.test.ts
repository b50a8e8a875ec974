import { RealClock } from '../../runtime/kernel/real-clock.js';
import { Random } from '../../runtime/kernel/random.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { Fetch } from '../../stacks/asking.js';
import { withDigest } from '../../stacks/image-digests.js';

const DIGEST = `sha256:${'d'.repeat(64)}`;

/** A registry that wants an anonymous token first. */
function registry(asked: string[], digest: string | null = DIGEST): Fetch {
  return (url, { method, headers }) => {
    asked.push(`${method} ${url}`);
    if (url.startsWith('https://auth.example/')) return Promise.resolve(Response.json({ token: 't' }));
    if (headers['authorization'] !== 'Bearer t') {
      const challenge = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:x:pull"';
      return Promise.resolve(new Response(null, { status: 401, headers: { 'www-authenticate': challenge } }));
    }
    const found = digest === null ? {} : { 'docker-content-digest': digest };
    return Promise.resolve(new Response(null, { status: digest === null ? 404 : 200, headers: found }));
  };
}

const digestOf = (reference: string, fetch: Fetch): Promise<string> =>
  withDigest({ path: 'deployment.stores.redis.image', reference }, { fetch, clock: new RealClock() });

describe('an image by tag', () => {
  test('is given its digest by its registry', async () => {
    const asked: string[] = [];
    await expect(digestOf('docker.io/library/redis:7.2.7', registry(asked))).resolves.toBe(
      `docker.io/library/redis:7.2.7@${DIGEST}`,
    );
    expect(asked).toEqual([
      'HEAD https://registry-1.docker.io/v2/library/redis/manifests/7.2.7',
      'GET https://auth.example/token?service=registry&scope=repository%3Ax%3Apull',
      'HEAD https://registry-1.docker.io/v2/library/redis/manifests/7.2.7',
    ]);
  });

  test('may leave out the host and the tag', async () => {
    await expect(digestOf('redis', registry([]))).resolves.toBe(`docker.io/library/redis:latest@${DIGEST}`);
    await expect(digestOf('ghcr.io/a/b:1', registry([]))).resolves.toBe(`ghcr.io/a/b:1@${DIGEST}`);
    await expect(digestOf('localhost:5000/b', registry([]))).resolves.toBe(`localhost:5000/b:latest@${DIGEST}`);
  });

  test('that is given by digest is not asked for', async () => {
    const asked: string[] = [];
    await expect(digestOf(`redis@${DIGEST}`, registry(asked))).resolves.toBe(`redis@${DIGEST}`);
    expect(asked).toEqual([]);
  });

  test('that nobody knows is refused with what to do', async () => {
    await expect(digestOf('redis:0', registry([], null))).rejects.toMatchObject({
      problems: [
        {
          path: 'deployment.stores.redis.image',
          value: 'redis:0',
          message: 'its digest could not be had from docker.io: answered 404',
          hint: expect.stringContaining('by digest'),
        },
      ],
    });
    await expect(digestOf('redis:0', registry([], 'sha256:short'))).rejects.toThrow(/sent no digest/);
    await expect(digestOf('redis:0', () => Promise.reject(new Error('no route')))).rejects.toThrow(/no route/);
  });

  test('is not waited for longer than 10 s, the token included', async () => {
    const silent: Fetch = () => new Promise(() => {});
    const noToken: Fetch = (url, init) =>
      url.startsWith('https://auth') ? silent(url, init) : registry([])(url, init);
    const hub = 'https://registry-1.docker.io/v2/library/redis/manifests/7';
    for (const [fetch, asked] of [
      [silent, `HEAD ${hub}`],
      [noToken, 'GET https://auth.example/token'],
    ] as const) {
      const clock = new VirtualClock(0, new Random(1, 'ties'));
      const path = 'deployment.stores.redis.image';
      const refused = withDigest({ path, reference: 'redis:7' }, { fetch, clock }).catch(String);
      await clock.run();
      expect(clock.now()).toBe(10_000);
      expect(await refused).toContain(asked);
      expect(await refused).toContain('no answer within 10 s');
    }
  });
});
