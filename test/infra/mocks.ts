import { output, runtime, type Input, type Unwrap } from '@pulumi/pulumi';

/** Whatever a resource is made of: as untyped as Pulumi's own mocks see it. */
type Properties = runtime.MockResourceArgs['inputs'];

/** A resource that the program under test registered. */
export interface Recorded {
  /** Type token: `gcp:container/cluster:Cluster`, `agent-experiment:infra:GkeCluster`. */
  readonly type: string;
  readonly name: string;
  /** Resolved inputs, secrets unwrapped. */
  readonly inputs: Properties;
  readonly opts: RecordedOptions;
}

/** The resource options as they reach the engine. */
export interface RecordedOptions {
  /** URN of the parent. */
  readonly parent: string;
  /** URN and id of an explicit provider: `urn::id`. */
  readonly provider: string;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  /** URNs of everything it waits for. */
  readonly dependsOn: readonly string[];
  /** URNs of what its inputs are made from. */
  readonly inputsFrom: readonly string[];
  /** Top-level inputs that are secret, in whole or in part. */
  readonly secretInputs: readonly string[];
}

export interface MockOptions {
  /** Behave as in a preview: outputs a cloud decides are unknown. Default false. */
  readonly preview?: boolean;
  readonly stack?: string;
  /** Outputs beyond the inputs, by type token. */
  readonly outputs?: Readonly<Record<string, (inputs: Properties, name: string) => Properties>>;
  /** Results of invokes, by token; others give back their arguments. */
  readonly calls?: Readonly<Record<string, (inputs: Properties) => Properties>>;
}

let records: Recorded[] = [];

/**
 * Takes the engine's place for everything declared from now on. The returned list fills up as resources are
 * registered: look at it after `await settled()` or `await valueOf(…)`.
 */
export function recordResources(options: MockOptions = {}): Recorded[] {
  const current: Recorded[] = [];
  records = current;
  const mocks: runtime.Mocks = {
    newResource: ({ type, name, inputs }) => {
      const extra = { ...PLAUSIBLE[type]?.(inputs, name), ...options.outputs?.[type]?.(inputs, name) };
      return { id: String(extra['id'] ?? `${name}-id`), state: { ...inputs, ...extra } };
    },
    call: ({ token, inputs }) => (options.calls?.[token] ?? PLAUSIBLE_CALLS[token])?.(inputs) ?? inputs,
  };
  // Everything of it that matters here happens before its first await.
  runtime
    .setMocks(mocks, 'agent-experiment', options.stack ?? 'phase3', options.preview ?? false)
    .catch((error: unknown) => {
      throw error;
    });
  listen(current);
  return current;
}

/** What was recorded of that type since the last {@link recordResources}. */
export function resourcesOf(type: string): Recorded[] {
  return records.filter((resource) => resource.type === type);
}

/** The only resource of that type. */
export function resourceOf(type: string): Recorded {
  const [resource, ...others] = resourcesOf(type);
  if (resource !== undefined && others.length === 0) return resource;
  const all = records.map((other) => `${other.type} ${other.name}`).join(', ');
  throw new Error(`${resource === undefined ? 'no' : 'more than one'} ${type} among: ${all}`);
}

/** Waits until everything declared so far is registered. */
export async function settled(): Promise<void> {
  await runtime.disconnect();
}

/** Value of an output, or of anything with outputs in it; waits for all registrations besides. Never for unknowns. */
export async function valueOf<T>(value: Input<T>): Promise<Unwrap<T>> {
  const known = await new Promise<Unwrap<T>>((resolve) => {
    output(value).apply((it) => {
      resolve(it);
    });
  });
  await settled();
  return known;
}

/** The name of a resource in a URN. */
export function nameIn(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}

/** Mocks see no resource options: they are read off the request. */
function listen(into: Recorded[]): void {
  const monitor = runtime.getMonitor() as unknown as {
    registerResource: (request: Properties, answer: unknown) => unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, answer) => {
    const object = request.getObject().toJavaScript();
    into.push({
      type: request.getType(),
      name: request.getName(),
      inputs: plain(runtime.deserializeProperties(request.getObject())),
      opts: {
        parent: request.getParent(),
        provider: request.getProvider(),
        protect: request.getProtect() ?? false,
        retainOnDelete: request.getRetainondelete() ?? false,
        deleteBeforeReplace: request.getDeletebeforereplace(),
        ignoreChanges: request.getIgnorechangesList(),
        dependsOn: request.getDependenciesList(),
        inputsFrom: [...request.getPropertydependenciesMap().entries()].flatMap(([, from]: [string, Properties]) =>
          from.getUrnsList(),
        ),
        secretInputs: Object.keys(object).filter((key) =>
          JSON.stringify(object[key]).includes(runtime.specialSecretSig),
        ),
      },
    });
    return register(request, answer);
  };
}

/** Without the envelopes of secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  if (runtime.isRpcSecret(value)) return plain(runtime.unwrapRpcSecret(value));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

/** What a cloud would decide, as far as components look at it. */
const PLAUSIBLE: Readonly<Record<string, (inputs: Properties, name: string) => Properties>> = {
  'gcp:container/cluster:Cluster': ({ project, location, name }) => ({
    id: `projects/${project}/locations/${location}/clusters/${name}`,
    endpoint: '203.0.113.10',
    selfLink: `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${name}`,
    masterAuth: { clusterCaCertificate: 'Y2EtY2VydGlmaWNhdGU=', clientCertificate: '', clientKey: '' },
    controlPlaneEndpointsConfig: {
      dnsEndpointConfig: { allowExternalTraffic: true, endpoint: 'gke-0123.us-central1.gke.goog' },
      ipEndpointsConfig: { enabled: true },
    },
  }),
  'gcp:compute/network:Network': (_, name) => ({ name, selfLink: `https://compute/networks/${name}` }),
  'gcp:compute/subnetwork:Subnetwork': (_, name) => ({ name, selfLink: `https://compute/subnetworks/${name}` }),
  'gcp:compute/router:Router': (_, name) => ({ name }),
  'gcp:serviceaccount/account:Account': ({ accountId, project }) => ({
    email: `${accountId}@${project}.iam.gserviceaccount.com`,
    member: `serviceAccount:${accountId}@${project}.iam.gserviceaccount.com`,
  }),
  'gcp:artifactregistry/repository:Repository': ({ repositoryId }) => ({ name: repositoryId }),
  'aws:s3/bucket:Bucket': ({ bucket, bucketPrefix }, name) => {
    const bucketName = bucket ?? `${bucketPrefix ?? name}20260105`;
    return { id: bucketName, bucket: bucketName, arn: `arn:aws:s3:::${bucketName}` };
  },
  'aws:iam/openIdConnectProvider:OpenIdConnectProvider': ({ url }) => ({
    arn: `arn:aws:iam::123456789012:oidc-provider/${String(url).replace('https://', '')}`,
  }),
  'aws:iam/role:Role': (_, name) => ({ name, arn: `arn:aws:iam::123456789012:role/${name}` }),
  'docker-build:index:Image': ({ tags }) => ({
    digest: `sha256:${'a'.repeat(64)}`,
    ref: `${tags?.[0]}@sha256:${'a'.repeat(64)}`,
  }),
  'random:index/randomPassword:RandomPassword': ({ length }) => ({ result: 'p'.repeat(length) }),
  'random:index/randomId:RandomId': () => ({ hex: '0123abcd' }),
};

const PLAUSIBLE_CALLS: Readonly<Record<string, (inputs: Properties) => Properties>> = {
  'gcp:organizations/getProject:getProject': ({ projectId }) => ({ projectId, number: '123456789' }),
};
