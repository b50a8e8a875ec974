import type { ResourceValidationPolicy } from '@pulumi/policy';
import { at, entriesAt, textAt, UNKNOWN } from './known.js';
import { NODE_POOL } from './node-pools.js';
import { declared, titleOf, type Declared } from './resources.js';
import { settingsOf } from './settings.js';

interface Settings {
  readonly required: readonly string[];
  /** Values that are as good as none: `unassigned`. */
  readonly refusedValues: readonly string[];
  /** Namespaces whose objects are made from others' manifests. */
  readonly exceptNamespaces: readonly string[];
}

const DEFAULTS: Settings = {
  required: ['app', 'phase', 'owner', 'cost-center'],
  refusedValues: [],
  exceptNamespaces: ['cnpg-system', 'kube-system'],
};

/** Where a cloud resource carries its labels; what is not here has none. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  'gcp:container/cluster:Cluster': ['resourceLabels'],
  [NODE_POOL]: ['nodeConfig', 'resourceLabels'],
  'gcp:artifactregistry/repository:Repository': ['labels'],
  'gcp:storage/bucket:Bucket': ['labels'],
  'gcp:compute/disk:Disk': ['labels'],
  'aws:s3/bucket:Bucket': ['tags'],
  'aws:s3/bucketV2:BucketV2': ['tags'],
  'aws:iam/role:Role': ['tags'],
  'aws:iam/openIdConnectProvider:OpenIdConnectProvider': ['tags'],
};

/** Everything that costs money or runs says whose it is, so that a bill and a leftover find their owner. */
export const requiredLabels: ResourceValidationPolicy = {
  name: 'required-labels',
  description: 'Resources carry the labels that say whose they are.',
  configSchema: {
    properties: {
      required: { type: 'array', items: { type: 'string' }, default: [...DEFAULTS.required] },
      refusedValues: { type: 'array', items: { type: 'string' }, default: [...DEFAULTS.refusedValues] },
      exceptNamespaces: { type: 'array', items: { type: 'string' }, default: [...DEFAULTS.exceptNamespaces] },
    },
  },
  validateResource: (args, report) => {
    const settings = settingsOf(args, DEFAULTS);
    const resource = declared(args);
    const path = labelsPath(resource, settings);
    if (path === undefined || at(resource.props, ...path) === UNKNOWN) return;
    const labels = new Map([...entriesAt(resource.props, ...path), ...providerTags(args.provider?.props, path)]);
    const missing = settings.required.filter((label) => !labels.has(label));
    const refused = settings.required.filter((label) => settings.refusedValues.includes(String(labels.get(label))));
    const where = path.join('.');
    if (missing.length > 0)
      report(
        `${titleOf(resource)} lacks ${missing.length} of ${settings.required.length} required labels: ` +
          `${missing.join(', ')}. Set them in ${where} (deployment.labels sets them everywhere).`,
      );
    if (refused.length > 0)
      report(
        `${titleOf(resource)} has labels that say nothing: ${refused.map((label) => `${label}=${String(labels.get(label))}`).join(', ')}. ` +
          'Write who it is in deployment.labels.',
      );
  },
};

function labelsPath({ type, props }: Declared, { exceptNamespaces }: Settings): readonly string[] | undefined {
  if (!type.startsWith('kubernetes:')) return LABELS[type];
  const namespace = textAt(props, 'metadata', type === 'kubernetes:core/v1:Namespace' ? 'name' : 'namespace');
  // Objects without a namespace belong to the cluster, and are named after what they are for.
  return namespace === undefined || exceptNamespaces.includes(namespace) ? undefined : ['metadata', 'labels'];
}

/** Labels a provider puts on everything it makes; a provider's properties are texts of JSON. */
function providerTags(provider: unknown, path: readonly string[]): readonly [string, unknown][] {
  if (path[0] === 'metadata' || provider === undefined) return [];
  const { props } = declared({ type: '', name: '', urn: '', props: provider });
  return [...entriesAt(fromJson(at(props, 'defaultTags')), 'tags'), ...entriesAt(fromJson(at(props, 'defaultLabels')))];
}

function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
