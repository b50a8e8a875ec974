import type { CustomResourceOptions } from '@pulumi/pulumi';
import type { types } from '@pulumi/kubernetes';
import { NetworkPolicy } from '@pulumi/kubernetes/networking/v1/index.js';
import { NAME_LABEL, PART_OF, storeLabels, storeSelector, type StoreArgs } from './store-pods.js';

/** Who talks to the pods of a store, and among themselves. */
export interface StoreTraffic {
  /** Ports the runtime's pods reach; which of them do is decided by their own egress rules. */
  readonly clientPorts: readonly number[];
  /** Ports the store's pods reach each other at. */
  readonly peerPorts: readonly number[];
  /** Further `app.kubernetes.io/name`s that may reach them as the store's own pods do: its one-off jobs. */
  readonly helpers?: readonly string[];
}

/**
 * The traffic of a store in a namespace where everything is denied by default: the runtime's pods may come in, the
 * store's own pods may reach each other and look up names, and nothing else.
 */
export function storeNetworkPolicy(
  name: string,
  { deployment, namespace }: Pick<StoreArgs, 'deployment' | 'namespace'>,
  { clientPorts, peerPorts, helpers = [] }: StoreTraffic,
  opts: CustomResourceOptions,
): NetworkPolicy {
  const own: types.input.meta.v1.LabelSelector = {
    matchLabels: { ...PART_OF },
    matchExpressions: [{ key: NAME_LABEL, operator: 'In', values: [name, ...helpers] }],
  };
  const ports = (numbers: readonly number[]) => numbers.map((port) => ({ port, protocol: 'TCP' }));
  return new NetworkPolicy(
    name,
    {
      metadata: { name, namespace, labels: storeLabels(deployment, name) },
      spec: {
        podSelector: own,
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          { from: [{ podSelector: { matchLabels: { ...PART_OF } } }], ports: ports(clientPorts) },
          ...(peerPorts.length === 0 ? [] : [{ from: [{ podSelector: own }], ports: ports(peerPorts) }]),
        ],
        egress: [
          {
            ports: [
              { port: 53, protocol: 'UDP' },
              { port: 53, protocol: 'TCP' },
            ],
          },
          ...(peerPorts.length === 0
            ? []
            : [{ to: [{ podSelector: { matchLabels: storeSelector(name) } }], ports: ports(peerPorts) }]),
        ],
      },
    },
    opts,
  );
}
