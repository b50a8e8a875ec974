import { ExperimentError } from '../runtime/kernel/errors.js';

/** Does an HTTP request; the global `fetch` by default. */
export type Fetch = (url: string, init: { method: string; headers: Record<string, string> }) => Promise<Response>;

/** Kinds of manifest asked for: an index for several platforms first, so that one digest serves all nodes. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * The image by digest: `redis:7.2.7` → `docker.io/library/redis:7.2.7@sha256:…`, asked of its registry without
 * credentials. An image that is given by digest is returned as it is, and nobody is asked.
 *
 * @throws ExperimentError CONFIG_INVALID when the registry does not answer or has no such image.
 */
export async function withDigest(reference: string, fetcher: Fetch = fetch): Promise<string> {
  if (/@sha256:[0-9a-f]{64}$/.test(reference)) return reference;
  const { host, name, tag } = parseReference(reference);
  const url = `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}/v2/${name}/manifests/${tag}`;
  try {
    const digest = await digestOf(url, fetcher);
    return `${host}/${name}:${tag}@${digest}`;
  } catch (error) {
    const problem = {
      path: 'deployment.stores',
      value: reference,
      message: `its digest could not be had from ${host}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'give the image by digest (name@sha256:…), or check name, tag and network',
    };
    throw new ExperimentError('CONFIG_INVALID', 'an image is unknown', [problem], { cause: error });
  }
}

async function digestOf(url: string, fetcher: Fetch): Promise<string> {
  const headers = { accept: MANIFESTS };
  let response = await fetcher(url, { method: 'HEAD', headers });
  if (response.status === 401) {
    const token = await anonymousToken(response.headers.get('www-authenticate') ?? '', fetcher);
    response = await fetcher(url, { method: 'HEAD', headers: { ...headers, authorization: `Bearer ${token}` } });
  }
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const digest = response.headers.get('docker-content-digest');
  if (digest === null || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error('sent no digest');
  return digest;
}

/** Token for pulling without an account, by the challenge of the registry (Docker's token authentication). */
async function anonymousToken(challenge: string, fetcher: Fetch): Promise<string> {
  const part = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const [realm, service, scope] = [part('realm'), part('service'), part('scope')];
  if (realm === undefined) throw new Error('wants credentials');
  const query = new URLSearchParams({
    ...(service === undefined ? {} : { service }),
    ...(scope === undefined ? {} : { scope }),
  });
  const response = await fetcher(`${realm}?${query.toString()}`, { method: 'GET', headers: {} });
  if (!response.ok) throw new Error(`gave no token: ${response.status}`);
  const body = (await response.json()) as { token?: unknown; access_token?: unknown };
  const token = body.token ?? body.access_token;
  if (typeof token !== 'string') throw new Error('gave no token');
  return token;
}

function parseReference(reference: string): { host: string; name: string; tag: string } {
  const [first = '', ...rest] = reference.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = hasHost ? rest.join('/') : reference;
  const at = path.lastIndexOf(':');
  const [name, tag] = at > path.lastIndexOf('/') ? [path.slice(0, at), path.slice(at + 1)] : [path, 'latest'];
  const host = hasHost ? first : 'docker.io';
  return { host, name: host === 'docker.io' && !name.includes('/') ? `library/${name}` : name, tag };
}
