import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { faultsOf } from './check.mjs';
import { all, faultOf, find, hang, hash, put, record, remove, takeTime } from './cloud.mjs';
import { Refusal } from './errors.mjs';
import { SdkTypes } from './types.mjs';
import { at, isObject, layered, plain, secret, UNKNOWN, withAt } from './values.mjs';

/*
 * Stands in for the official Kubernetes provider and an API server: names are unique, namespaces and kinds must exist,
 * workloads are awaited, claims outlive their set unless it says otherwise, namespaces take everything with them, and
 * fields that another manager owns are its own.
 */

const require = createRequire(import.meta.url);
const PROVIDER = 'kubernetes';

/** Kinds without a namespace, of those there are many resources of. */
const CLUSTER_WIDE = new Set(
  'Namespace ClusterRole ClusterRoleBinding StorageClass PriorityClass CustomResourceDefinition PersistentVolume ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration MutatingWebhookConfiguration ClusterImageCatalog IngressClass RuntimeClass APIService'.split(
    ' ',
  ),
);

/** Fields the API server refuses to change, by kind. */
const IMMUTABLE = {
  '*': /^(apiVersion|kind|metadata(\.(name|namespace))?)$/,
  StatefulSet: /^spec\.(selector|serviceName|podManagementPolicy|volumeClaimTemplates)/,
  Deployment: /^spec\.selector/,
  DaemonSet: /^spec\.selector/,
  Job: /^spec\.(selector|template|completions)/,
  Secret: /^(type|immutable)$/,
  Service: /^spec\.clusterIP$/,
  RoleBinding: /^roleRef/,
  ClusterRoleBinding: /^roleRef/,
  StorageClass: /^(parameters|provisioner|reclaimPolicy|volumeBindingMode)/,
  PersistentVolumeClaim: /^spec\.(accessModes|storageClassName|volumeName|selector)/,
};

const MANAGER = 'pulumi';
const AWAITED = new Set(['Deployment', 'StatefulSet', 'Job', 'Pod', 'DaemonSet']);

const kindOf = (type) => type.split(':')[2];
const keyOf = ({ metadata }) =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
const isBuiltIn = (type) =>
  /^kubernetes:([a-z]+(\.k8s\.io)?|[a-z]+\.authorization\.k8s\.io|apiextensions\.k8s\.io)\/v\d/.test(type) ||
  /:core\/v1:/.test(type);

export function kubernetes() {
  const types = new SdkTypes(PROVIDER);
  let config = {};

  /** A kubeconfig of a stand-in GKE cluster works only while that cluster exists. */
  const reachable = () => {
    const address = /192\.0\.2\.\d+/.exec(JSON.stringify(config))?.[0];
    if (address === undefined || all('gcp').some((one) => one.properties.endpoint === address)) return;
    throw new Refusal(
      `the API server at https://${address} cannot be reached: dial tcp ${address}:443: connect: connection refused`,
    );
  };

  const outcome = async (on, asked, act) => {
    const began = Date.now();
    const fault = faultOf(on, asked.type, asked.name);
    if (fault === 'fail')
      throw new Refusal(`${asked.type} ${asked.name}: the API server refuses to ${on} it (a fault that was asked for)`);
    reachable();
    const result = act();
    const after = { id: result.id, outputs: result.outputs, inputs: asked.inputs };
    record({
      op: on,
      provider: PROVIDER,
      type: asked.type,
      name: asked.name,
      id: result.id,
      tookMs: Date.now() - began,
    });
    // An object is there as soon as it was accepted; what hangs is the wait for it.
    if (fault === 'hang' || fault === 'lost') {
      await hang();
      throw new Refusal(
        `resource ${result.id} was not fully ${on}d: cancelled while it was awaited`,
        on === 'delete' ? undefined : after,
      );
    }
    await takeTime();
    const excuse =
      fault === 'not-ready' ? 'timed out waiting for it to be Ready' : on === 'delete' ? undefined : unready(asked);
    if (excuse !== undefined)
      throw new Refusal(`resource ${result.id} was ${on}d, but failed to become ready: ${excuse}`, after);
    return result;
  };

  return {
    configure: (args) => (config = plain(args)),
    invoke(token, args) {
      if (token === 'kubernetes:yaml:decode')
        return {
          result: require('yaml')
            .parseAllDocuments(args.text)
            .map((one) => one.toJS())
            .filter((one) => one !== null),
        };
      throw new Refusal(`the stand-in has no answer to ${token}`);
    },
    check({ type, name, olds, news, seed }) {
      const inputs = { ...news, metadata: { ...news.metadata } };
      inputs.metadata.name ??= olds.metadata?.name ?? `${name}-${hash(seed)}`;
      if (!CLUSTER_WIDE.has(kindOf(type)) && isBuiltIn(type))
        inputs.metadata.namespace ??= config.namespace ?? 'default';
      const shape = types.shape(type);
      if (shape === undefined && isBuiltIn(type))
        return { inputs, failures: [{ property: 'kind', reason: `no kind "${kindOf(type)}" in the SDK (${type})` }] };
      return { inputs, failures: shape === undefined ? [] : faultsOf(inputs, shape) };
    },
    isImmutable: (type, path) => IMMUTABLE['*'].test(path) || (IMMUTABLE[kindOf(type)]?.test(path) ?? false),
    // As the official provider does for names that were given.
    deletesFirst: () => true,
    async create(asked) {
      const { type, inputs } = asked;
      if (asked.preview)
        return {
          id: '',
          outputs: layered(
            withServerFields(type, inputs, () => UNKNOWN),
            inputs,
          ),
        };
      return outcome('create', asked, () => {
        const id = keyOf(plain(inputs));
        admit(type, id, plain(inputs));
        if (find(PROVIDER, type, id) !== undefined)
          throw new Refusal(
            `resource ${id} was not successfully created by the Kubernetes API server: ${kindOf(type).toLowerCase()}s "${id.split('/').pop()}" already exists`,
          );
        const live = layered(
          withServerFields(type, plain(inputs), (path) => madeUp(path, id)),
          plain(inputs),
        );
        put(PROVIDER, { type, id, name: asked.name, managers: {}, properties: settled(type, live) });
        claimsOf(type, live).forEach((claim) => put(PROVIDER, claim));
        return { id, outputs: shown(type, layered(settled(type, live), inputs)) };
      });
    },
    async read({ type, id, inputs }) {
      reachable();
      const found = find(PROVIDER, type, id);
      if (found === undefined) return undefined;
      const owned = Object.keys(found.managers).reduce(
        (result, path) => (at(result, path) === undefined ? result : withAt(result, path, at(found.properties, path))),
        inputs,
      );
      return { inputs: owned, outputs: shown(type, layered(found.properties, owned)) };
    },
    async update(asked) {
      const { type, id, inputs, ignored } = asked;
      if (asked.preview) return { outputs: shown(type, layered(liveOrOld(asked), inputs)) };
      return outcome('update', asked, () => {
        const found = find(PROVIDER, type, id);
        if (found === undefined) throw new Refusal(`${kindOf(type)} "${id}" not found`);
        const applied = applicable(plain(inputs), found, ignored);
        const live = settled(type, layered(serverOnly(found.properties), applied));
        put(PROVIDER, { ...found, properties: live });
        return { id, outputs: shown(type, layered(live, secretsOnly(inputs))) };
      });
    },
    async delete(asked) {
      const { type, id } = asked;
      // What is gone already is deleted; the whole cluster may be.
      await outcome('delete', asked, () => {
        if (find(PROVIDER, type, id) === undefined) return { id };
        const resource = find(PROVIDER, type, id);
        remove(PROVIDER, type, id);
        dependents(type, id, resource.properties).forEach((one) => {
          remove(PROVIDER, one.type, one.id);
          record({
            op: 'cascade',
            provider: PROVIDER,
            type: one.type,
            name: one.name,
            id: one.id,
            because: `${kindOf(type)} ${id}`,
          });
        });
        return { id };
      });
    },
  };
}

/** What the API server says no to before it stores anything. */
function admit(type, id, { apiVersion, kind, metadata }) {
  const { namespace } = metadata;
  const exists =
    namespace === undefined ||
    ['default', 'kube-system'].includes(namespace) ||
    find(PROVIDER, 'kubernetes:core/v1:Namespace', namespace) !== undefined;
  if (!exists) throw new Refusal(`${id}: namespaces "${namespace}" not found`);
  if (isBuiltIn(type)) return;
  const [group] = String(apiVersion).split('/');
  const definitions = all(PROVIDER).filter((one) => kindOf(one.type) === 'CustomResourceDefinition');
  const known = definitions.some(({ properties: { spec } }) => spec?.group === group && spec?.names?.kind === kind);
  if (!known)
    throw new Refusal(
      `${id}: no matches for kind "${kind}" in version "${apiVersion}": its CustomResourceDefinition does not exist`,
    );
}

/** Fields the server fills in, where they were not given. */
function withServerFields(type, inputs, value) {
  const metadata = {
    uid: value('uid'),
    resourceVersion: value('resourceVersion'),
    creationTimestamp: value('creationTimestamp'),
    generation: value('generation'),
  };
  const fields = { metadata };
  if (kindOf(type) === 'Service' && inputs.spec?.type !== 'ExternalName' && inputs.spec?.clusterIP === undefined)
    fields.spec = { clusterIP: value('clusterIP') };
  if (AWAITED.has(kindOf(type)) || kindOf(type) === 'Service') fields.status = value('status');
  return fields;
}

function madeUp(field, id) {
  if (field === 'generation') return 1;
  if (field === 'status') return {};
  if (field === 'creationTimestamp') return new Date().toISOString();
  if (field === 'clusterIP') return `198.51.100.${(parseInt(hash(id), 16) % 250) + 1}`;
  return hash(`${field} ${id}`);
}

/** Live as its controller leaves it once it is ready; data of a secret as the server keeps it. */
function settled(type, live) {
  const replicas = live.spec?.replicas ?? 1;
  const kind = kindOf(type);
  if (kind === 'Deployment' || kind === 'StatefulSet')
    return { ...live, status: { replicas, readyReplicas: replicas, updatedReplicas: replicas } };
  if (kind === 'Job')
    return { ...live, status: live.spec?.suspend === true ? {} : { succeeded: live.spec?.completions ?? 1 } };
  if (kind !== 'Secret' || live.stringData === undefined) return live;
  const encoded = Object.entries(live.stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  return { ...live, data: { ...live.data, ...Object.fromEntries(encoded) } };
}

/** Data of secrets is secret whether it was given as one or not. */
function shown(type, outputs) {
  if (kindOf(type) !== 'Secret') return outputs;
  const wrapped = ['data', 'stringData']
    .filter((key) => outputs[key] !== undefined)
    .map((key) => [key, secret(plain(outputs[key]))]);
  return { ...outputs, ...Object.fromEntries(wrapped) };
}

const serverOnly = ({ metadata, status, spec }) => ({
  metadata: {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    creationTimestamp: metadata.creationTimestamp,
    generation: metadata.generation,
  },
  ...(status === undefined ? {} : { status }),
  ...(spec?.clusterIP === undefined ? {} : { spec: { clusterIP: spec.clusterIP } }),
});

const liveOrOld = ({ type, id, olds }) => serverOnly(find(PROVIDER, type, id)?.properties ?? olds);

function secretsOnly(inputs) {
  return isObject(inputs)
    ? Object.fromEntries(Object.entries(inputs).filter(([key]) => key === 'data' || key === 'stringData'))
    : {};
}

/**
 * What server-side apply does with fields of other managers: those whose changes are ignored are left to them, others
 * are a conflict unless both want the same.
 */
function applicable(inputs, found, ignored) {
  let applied = inputs;
  for (const [path, manager] of Object.entries(found.managers)) {
    if (manager === MANAGER || at(inputs, path) === undefined) continue;
    const theirs = at(found.properties, path);
    if (ignored.some((one) => path === one || path.startsWith(`${one}.`))) applied = withAt(applied, path, theirs);
    else if (JSON.stringify(theirs) !== JSON.stringify(at(inputs, path)))
      throw new Refusal(`Apply failed with 1 conflict: conflict with "${manager}": .${path}`);
  }
  return applied;
}

/** The claims the controller of a set makes. */
function claimsOf(type, live) {
  if (kindOf(type) !== 'StatefulSet') return [];
  const { namespace } = live.metadata;
  return (live.spec.volumeClaimTemplates ?? []).flatMap((template) =>
    Array.from({ length: live.spec.replicas ?? 1 }, (_, index) => {
      const name = `${template.metadata.name}-${live.metadata.name}-${index}`;
      const properties = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace },
        spec: template.spec,
      };
      return {
        type: 'kubernetes:core/v1:PersistentVolumeClaim',
        id: `${namespace}/${name}`,
        name,
        owner: `StatefulSet ${namespace}/${live.metadata.name}`,
        managers: {},
        properties,
      };
    }),
  );
}

/** What goes with a resource: everything in a namespace, every object of a definition, the claims of a set that says so. */
function dependents(type, id, { spec }) {
  const others = all(PROVIDER);
  if (kindOf(type) === 'Namespace') return others.filter((one) => one.properties.metadata?.namespace === id);
  if (kindOf(type) === 'CustomResourceDefinition')
    return others.filter(
      ({ properties }) =>
        properties.kind === spec?.names?.kind && String(properties.apiVersion).startsWith(`${spec?.group}/`),
    );
  if (kindOf(type) !== 'StatefulSet' || spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Delete') return [];
  return others.filter((one) => one.owner === `StatefulSet ${id}`);
}

/** Why a workload that is awaited does not get ready; undefined when it does. */
function unready({ type, inputs }) {
  const object = plain(inputs);
  if (!AWAITED.has(kindOf(type)) || object.metadata.annotations?.['pulumi.com/skipAwait'] === 'true') return undefined;
  if (kindOf(type) === 'Job' && object.spec.suspend === true) return 'a suspended Job never completes';
  if ((object.spec.replicas ?? 1) === 0) return undefined;
  const { nodeSelector, serviceAccountName } =
    (kindOf(type) === 'Pod' ? object.spec : object.spec.template?.spec) ?? {};
  const { namespace } = object.metadata;
  if (
    serviceAccountName !== undefined &&
    serviceAccountName !== 'default' &&
    find(PROVIDER, 'kubernetes:core/v1:ServiceAccount', `${namespace}/${serviceAccountName}`) === undefined
  )
    return `error looking up service account ${namespace}/${serviceAccountName}: serviceaccount "${serviceAccountName}" not found`;
  const pools = all('gcp').filter((one) => kindOf(one.type) === 'NodePool');
  if (pools.length === 0 && all('gcp').every((one) => kindOf(one.type) !== 'Cluster')) return undefined;
  const fits = pools.some(({ properties }) =>
    Object.entries(nodeSelector ?? {}).every(([key, value]) => properties.nodeConfig?.labels?.[key] === value),
  );
  return fits
    ? undefined
    : `0/${pools.length} nodes are available: no node pool has the labels ${JSON.stringify(nodeSelector ?? {})}`;
}
