import { withDigest, type Fetch } from '../../stacks/image-digests.js';

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

describe('an image by tag', () => {
  test('is given its digest by its registry', async () => {
    const asked: string[] = [];
    await expect(withDigest('docker.io/library/redis:7.2.7', registry(asked))).resolves.toBe(
      `docker.io/library/redis:7.2.7@${DIGEST}`,
    );
    expect(asked).toEqual([
      'HEAD https://registry-1.docker.io/v2/library/redis/manifests/7.2.7',
      'GET https://auth.example/token?service=registry&scope=repository%3Ax%3Apull',
      'HEAD https://registry-1.docker.io/v2/library/redis/manifests/7.2.7',
    ]);
  });

  test('may leave out the host and the tag', async () => {
    await expect(withDigest('redis', registry([]))).resolves.toBe(`docker.io/library/redis:latest@${DIGEST}`);
    await expect(withDigest('ghcr.io/a/b:1', registry([]))).resolves.toBe(`ghcr.io/a/b:1@${DIGEST}`);
    await expect(withDigest('localhost:5000/b', registry([]))).resolves.toBe(`localhost:5000/b:latest@${DIGEST}`);
  });

  test('that is given by digest is not asked for', async () => {
    const asked: string[] = [];
    await expect(withDigest(`redis@${DIGEST}`, registry(asked))).resolves.toBe(`redis@${DIGEST}`);
    expect(asked).toEqual([]);
  });

  test('that nobody knows is refused with what to do', async () => {
    await expect(withDigest('redis:0', registry([], null))).rejects.toThrow(/answered 404[\s\S]*by digest/);
    await expect(withDigest('redis:0', registry([], 'sha256:short'))).rejects.toThrow(/sent no digest/);
    await expect(withDigest('redis:0', () => Promise.reject(new Error('no route')))).rejects.toThrow(/no route/);
  });
});
