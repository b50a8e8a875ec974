import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { ExperimentError, type Problem } from '../runtime/kernel/errors.js';
import { nearest } from '../runtime/spec/problems.js';
import { reasonOf } from './asking.js';

/** A Kubernetes that is there already, as the config names it. */
export interface ExistingCluster {
  /** Path of a kubeconfig; null = what kubectl would use. */
  readonly kubeconfig: string | null;
  /** null = the kubeconfig's current one. */
  readonly context: string | null;
}

/** What decides where kubectl looks. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The person's home folder. */
  readonly home: string;
}

/** The API server of a cluster, and what a kubeconfig says about how to speak to it. */
export interface ApiServer {
  /** `https://203.0.113.1:6443`, perhaps with a path. */
  readonly address: URL;
  readonly context: string;
  /** The file or files it was found in. */
  readonly file: string;
  /** What the kubeconfig says of a proxy; null when nothing. */
  readonly proxy: string | null;
  readonly tls: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
}

const text = z.string().nullish();

/** What is read of a kubeconfig. Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
const Kubeconfig = z.looseObject({
  'current-context': text,
  contexts: z
    .array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: text, user: text }) }))
    .nullish(),
  clusters: z
    .array(
      z.looseObject({
        name: z.string(),
        cluster: z.looseObject({
          server: text,
          'certificate-authority': text,
          'certificate-authority-data': text,
          'insecure-skip-tls-verify': z.boolean().nullish(),
          'tls-server-name': text,
          'proxy-url': text,
        }),
      }),
    )
    .nullish(),
  users: z
    .array(
      z.looseObject({
        name: z.string(),
        user: z
          .looseObject({
            'client-certificate': text,
            'client-certificate-data': text,
            'client-key': text,
            'client-key-data': text,
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/** A kubeconfig that has been read, and its path. */
interface Read {
  readonly file: string;
  readonly content: z.infer<typeof Kubeconfig>;
}

/**
 * The API server of the context that is named, or of the current one. Nobody is asked. null in a pod without any
 * kubeconfig, where Kubernetes' clients take the cluster they run in.
 *
 * @throws ExperimentError CONFIG_INVALID when a file cannot be read or lacks what is named.
 */
export async function findApiServer(cluster: ExistingCluster, surroundings: Surroundings): Promise<ApiServer | null> {
  const configs = await readKubeconfigs(cluster.kubeconfig, surroundings);
  if (configs === null) return null;
  const file = configs.map((one) => one.file).join(', ');
  const contexts = entries(configs, 'contexts');
  const { name: context, context: names } = contextOf(cluster, configs, contexts, file);
  const { cluster: clusterName, user: userName } = names;
  const found = entries(configs, 'clusters').get(clusterName ?? '');
  const server = found?.entry.cluster.server;
  if (found === undefined || !isText(server)) {
    const lacks = found === undefined ? `the cluster ${clusterName ?? '(none)'} it names` : 'the address of its server';
    throw refused({
      path: 'deployment.context',
      value: context,
      message: `lacks ${lacks} in ${file}`,
      hint: 'put the kubeconfig right, or name another context',
    });
  }
  const user = entries(configs, 'users').get(userName ?? '');
  return {
    address: addressOf(server, found.file),
    context,
    file: found.file,
    proxy: found.entry.cluster['proxy-url'] ?? null,
    tls: await tlsOf(found, user),
  };
}

type Cluster = Named<'clusters'>;
type User = Named<'users'>;

async function tlsOf({ file, entry: { cluster } }: Cluster, user: User | undefined): Promise<ApiServer['tls']> {
  const ca = await material(file, cluster, 'certificate-authority');
  const credentials = user?.entry.user ?? {};
  const cert = user && (await material(user.file, credentials, 'client-certificate'));
  const key = user && (await material(user.file, credentials, 'client-key'));
  const servername = cluster['tls-server-name'];
  return {
    ...(ca && { ca }),
    // Some servers let nobody speak who shows no certificate.
    ...(cert && key && { cert, key }),
    ...(isText(servername) && { servername }),
    rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
  };
}

/** Key or certificate: given in the kubeconfig, or in a file whose path is seen from the kubeconfig. */
async function material(file: string, holder: Record<string, unknown>, key: string): Promise<Buffer | undefined> {
  const [data, path] = [holder[`${key}-data`], holder[key]];
  if (isText(data)) return Buffer.from(data, 'base64');
  if (!isText(path)) return undefined;
  const place = resolve(dirname(file), path);
  return readFile(place).catch((error: unknown) => {
    throw unreadable(file, `names a ${key} that cannot be read: ${reasonOf(error)}`);
  });
}

function contextOf(
  { context: named }: ExistingCluster,
  configs: readonly Read[],
  contexts: ReadonlyMap<string, Named<'contexts'>>,
  file: string,
): Named<'contexts'>['entry'] {
  const context = named ?? configs.map(({ content }) => content['current-context']).find(isText);
  const known = contexts.size === 0 ? 'it has none' : `allowed here: ${[...contexts.keys()].join(', ')}`;
  if (context === undefined) {
    const message = `is missing, and ${file} has no current-context; ${known}`;
    throw refused({ path: 'deployment.context', message, hint: 'name one, or kubectl config use-context NAME' });
  }
  const found = contexts.get(context);
  if (found !== undefined) return found.entry;
  const meant = nearest(context, [...contexts.keys()]);
  throw refused({
    path: 'deployment.context',
    value: context,
    message: `is not in ${file}${named === null ? ', whose current-context it is' : ''}; ${known}`,
    hint: meant === null ? 'name one that is there, or another kubeconfig' : `did you mean "${meant}"?`,
  });
}

function addressOf(server: string, file: string): URL {
  const address = URL.canParse(server) ? new URL(server) : null;
  if (address !== null && /^https?:$/.test(address.protocol)) return address;
  throw unreadable(file, `has a server that is no https address: ${server}`);
}

/** The files that count, by the rules of kubectl; null when there are none and this is a pod. */
async function readKubeconfigs(named: string | null, { env, home }: Surroundings): Promise<readonly Read[] | null> {
  if (named !== null) {
    if (/[\n{]/.test(named)) throw unreadable(null, 'must be the path of a kubeconfig, not its contents');
    const path = named.replace(/^~(?=$|\/)/, home);
    const config = await readKubeconfig(path);
    if (config === null) throw unreadable(resolve(path), 'there is no such file');
    return [config];
  }
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const paths = listed.length > 0 ? listed : [join(home, '.kube/config')];
  // One of several may be missing: kubectl passes over it, too.
  const found = await Promise.all(paths.map(readKubeconfig));
  const configs = found.filter((config) => config !== null);
  if (configs.length > 0) return configs;
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined) return null;
  const asked = listed.length > 0 ? `$KUBECONFIG (${listed.join(', ')})` : `$KUBECONFIG or ${paths.join('')}`;
  throw refused({
    path: 'deployment.kubeconfig',
    message: `is missing, and there is no file in ${asked}`,
    hint: 'write the path of a kubeconfig, or set KUBECONFIG',
  });
}

/** null when there is no such file. */
async function readKubeconfig(path: string): Promise<Read | null> {
  const file = resolve(path);
  const written = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(file, `cannot be read: ${reasonOf(error)}`);
  });
  if (written === null) return null;
  const parsed = Kubeconfig.safeParse(parseYaml(file, written));
  if (parsed.success) return { file, content: parsed.data };
  // The value is not told: it may be a credential.
  const place = parsed.error.issues[0]?.path.join('.') ?? '';
  throw unreadable(file, `is no kubeconfig: ${place === '' ? 'it must be a block of keys' : `${place} is wrong`}`);
}

function parseYaml(file: string, written: string): unknown {
  try {
    return parse(written);
  } catch (error) {
    // Without the library's words, which quote the file.
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    throw unreadable(file, `is no YAML${line === undefined ? '' : `: see its line ${line}`}`);
  }
}

type Lists = 'contexts' | 'clusters' | 'users';
interface Named<K extends Lists> {
  readonly file: string;
  readonly entry: NonNullable<z.infer<typeof Kubeconfig>[K]>[number];
}

/** The entries of all files by name: the first of a name counts. */
function entries<K extends Lists>(configs: readonly Read[], list: K): ReadonlyMap<string, Named<K>> {
  const found = new Map<string, Named<K>>();
  for (const { file, content } of configs)
    for (const entry of (content[list] ?? []) as Named<K>['entry'][])
      if (!found.has(entry.name)) found.set(entry.name, { file, entry });
  return found;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function unreadable(file: string | null, message: string): ExperimentError {
  const hint = 'write the whole path of a kubeconfig that kubectl can use, or one that begins with ~/';
  return refused({ path: 'deployment.kubeconfig', message, hint, ...(file === null ? {} : { value: file }) });
}

function refused(problem: Problem): ExperimentError {
  return new ExperimentError('CONFIG_INVALID', 'the cluster cannot be found', [problem]);
}
