import type { Clock } from '../runtime/kernel/clock.js';
import { ExperimentError } from '../runtime/kernel/errors.js';
import { SECOND } from '../runtime/kernel/units.js';
import { findApiServer, type ApiServer, type ExistingCluster, type Surroundings } from './api-server.js';
import { reasonOf, within } from './asking.js';

/** How long an API server may take to answer. */
const LIMIT_MS = 10 * SECOND;

/** Resolves as soon as the server answers a request, whatever its answer. */
export type Connect = (server: ApiServer, signal: AbortSignal) => Promise<void>;

export interface Reach extends Surroundings {
  readonly connect: Connect;
  readonly clock: Clock;
}

/**
 * Sees that an existing cluster is there: that its kubeconfig can be read and that its API server answers within 10 s.
 * Who asks does not matter, no credentials are tried: `401 Unauthorized` is an answer. A server behind a proxy is not
 * asked, as Kubernetes' clients reach it in ways of their own.
 *
 * @throws ExperimentError CONFIG_INVALID when it is not.
 */
export async function checkReachable(cluster: ExistingCluster, reach: Reach): Promise<void> {
  const server = await findApiServer(cluster, reach);
  if (server === null || isProxied(server, reach.env)) return;
  const { address, context, file } = server;
  try {
    await within(reach.clock, LIMIT_MS, `GET ${address.href}`, (signal) => reach.connect(server, signal));
  } catch (error) {
    const problem = {
      path: 'deployment.kubeconfig',
      value: file,
      message: `the API server of its context ${context}, ${address.href}, cannot be reached: ${reasonOf(error)}`,
      hint: `see that "kubectl --context ${context} version" works (${suspects(error)}), or name another context`,
    };
    throw new ExperimentError('CONFIG_INVALID', 'the cluster cannot be reached', [problem], { cause: error });
  }
}

/** Asks for the version, as the official clients do first. */
export const connectByHttp: Connect = async ({ address, tls }, signal) => {
  // Loaded only where there is somebody to ask.
  const { request } = address.protocol === 'http:' ? await import('node:http') : await import('node:https');
  const url = new URL(`${address.href.replace(/\/$/, '')}/version`);
  await new Promise<void>((answered, failed) => {
    const asked = request(url, { signal, agent: false, ...tls }, () => {
      answered();
      asked.destroy();
    });
    asked.on('error', failed);
    asked.end();
  });
};

/** Where to look first, by the code of Node's error. */
function suspects(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name of the server, DNS, VPN';
  if (code === 'ECONNREFUSED') return 'is the cluster running, and is this its port?';
  if (code !== undefined && /CERT|SSL|TLS|SIGNATURE|EPROTO/.test(code))
    return 'its certificate-authority and certificate';
  return 'the network, VPN, firewall and authorised networks';
}

/** By the rules of Go's `http.ProxyFromEnvironment`, which Kubernetes' clients follow. */
function isProxied({ address, proxy }: ApiServer, env: Surroundings['env']): boolean {
  if (proxy !== null && proxy !== '') return true;
  const { hostname: host, protocol } = address;
  if (host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)) return false;
  const name = protocol === 'http:' ? 'HTTP_PROXY' : 'HTTPS_PROXY';
  if (!(env[name] ?? env[name.toLowerCase()])) return false;
  const exceptions = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((one) => one.trim());
  const excepted = (one: string): boolean =>
    one === '*' || (one !== '' && (host === one || host.endsWith(`.${one.replace(/^\*?\./, '')}`)));
  return !exceptions.some(excepted);
}
