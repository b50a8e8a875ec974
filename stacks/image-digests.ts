import { ExperimentError } from '../runtime/kernel/errors.js';
import { SECOND } from '../runtime/kernel/units.js';
import { reasonOf, within, type Asking } from './asking.js';

/** How long a registry may take to answer a question. */
const LIMIT_MS = 10 * SECOND;

/** Kinds of manifest asked for: an index for several platforms first, so that one digest serves all nodes. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** An image, and where in the config it is named. */
export interface NamedImage {
  /** `deployment.stores.redis.image` */
  readonly path: string;
  /** `redis:7.2.7` */
  readonly reference: string;
}

/**
 * The image by digest: `redis:7.2.7` → `docker.io/library/redis:7.2.7@sha256:…`, asked of its registry without
 * credentials. An image that is given by digest is returned as it is, and nobody is asked.
 *
 * @throws ExperimentError CONFIG_INVALID when the registry does not answer, within 10 s each time, or has no such image.
 */
export async function withDigest({ path, reference }: NamedImage, asking: Asking): Promise<string> {
  if (/@sha256:[0-9a-f]{64}$/.test(reference)) return reference;
  const { host, name, tag } = parseReference(reference);
  const url = `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}/v2/${name}/manifests/${tag}`;
  try {
    const digest = await digestOf(url, asking);
    return `${host}/${name}:${tag}@${digest}`;
  } catch (error) {
    const problem = {
      path,
      value: reference,
      message: `its digest could not be had from ${host}: ${reasonOf(error)}`,
      hint: 'give the image by digest (name@sha256:…), or check name, tag and network',
    };
    throw new ExperimentError('CONFIG_INVALID', 'an image is unknown', [problem], { cause: error });
  }
}

/** An answer without its body. */
type Head = Pick<Response, 'ok' | 'status' | 'headers'>;

async function digestOf(url: string, asking: Asking): Promise<string> {
  const headers = { accept: MANIFESTS };
  const head = (more: Record<string, string>): Promise<Head> =>
    within(asking.clock, LIMIT_MS, `HEAD ${url}`, (signal) =>
      asking.fetch(url, { method: 'HEAD', headers: { ...headers, ...more }, signal }),
    );
  let response = await head({});
  if (response.status === 401) {
    const token = await anonymousToken(response.headers.get('www-authenticate') ?? '', asking);
    response = await head({ authorization: `Bearer ${token}` });
  }
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const digest = response.headers.get('docker-content-digest');
  if (digest === null || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error('sent no digest');
  return digest;
}

/** Token for pulling without an account, by the challenge of the registry (Docker's token authentication). */
async function anonymousToken(challenge: string, { fetch, clock }: Asking): Promise<string> {
  const part = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const [realm, service, scope] = [part('realm'), part('service'), part('scope')];
  if (realm === undefined) throw new Error('wants credentials');
  const query = new URLSearchParams({
    ...(service === undefined ? {} : { service }),
    ...(scope === undefined ? {} : { scope }),
  });
  const url = `${realm}?${query.toString()}`;
  return within(clock, LIMIT_MS, `GET ${url}`, async (signal) => {
    const response = await fetch(url, { method: 'GET', headers: {}, signal });
    if (!response.ok) throw new Error(`gave no token: ${response.status}`);
    const body = (await response.json()) as { token?: unknown; access_token?: unknown };
    const token = body.token ?? body.access_token;
    if (typeof token !== 'string') throw new Error('gave no token');
    return token;
  });
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
