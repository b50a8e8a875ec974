import { at, listAt, numberAt, textAt } from './known.js';
import { declared, titleOf, type Declared, type Described } from './resources.js';

/** A pod, or the template pods are made from. */
export interface PodTemplate {
  readonly owner: Declared;
  /** `Deployment miyabi-agent` */
  readonly title: string;
  readonly kind: PodOwner;
  /** Pods there will be: replicas, or the pods of a job that run at once; undefined when that is not known. */
  readonly replicas: number | undefined;
  /** The pod spec, copied by `known`; may be undefined or UNKNOWN. */
  readonly spec: unknown;
}

/** Where in a resource of the kind its pods' template is, and how many there are. */
const OWNERS = {
  Pod: { template: [], replicas: null },
  Deployment: { template: ['spec', 'template'], replicas: ['spec', 'replicas'] },
  ReplicaSet: { template: ['spec', 'template'], replicas: ['spec', 'replicas'] },
  StatefulSet: { template: ['spec', 'template'], replicas: ['spec', 'replicas'] },
  // One a node: how many that is, the pools say.
  DaemonSet: { template: ['spec', 'template'], replicas: null },
  Job: { template: ['spec', 'template'], replicas: ['spec', 'parallelism'] },
  CronJob: {
    template: ['spec', 'jobTemplate', 'spec', 'template'],
    replicas: ['spec', 'jobTemplate', 'spec', 'parallelism'],
  },
} as const;

export type PodOwner = keyof typeof OWNERS;

/** The pod template of a resource; undefined when it makes no pods. */
export function podTemplateOf(resource: Described): PodTemplate | undefined {
  const kind = ownerKind(resource.type);
  if (kind === undefined) return undefined;
  const owner = declared(resource);
  const { template, replicas } = OWNERS[kind];
  const written = replicas === null ? undefined : at(owner.props, ...replicas);
  return {
    owner,
    kind,
    title: titleOf(owner),
    // Kubernetes makes one where nothing is written.
    replicas: written === undefined ? 1 : typeof written === 'number' ? written : undefined,
    spec: at(owner.props, ...template, 'spec'),
  };
}

/** The templates of all pods of a stack. */
export function podTemplates(resources: readonly Described[]): PodTemplate[] {
  return resources.map(podTemplateOf).filter((template) => template !== undefined);
}

function ownerKind(type: string): PodOwner | undefined {
  const match = /^kubernetes:(?:core|apps|batch)\/v1:(\w+)$/.exec(type);
  const kind = match?.[1];
  return kind !== undefined && kind in OWNERS ? (kind as PodOwner) : undefined;
}

export interface Container {
  /** `Deployment miyabi-agent, container agent` */
  readonly title: string;
  readonly props: unknown;
  /** Runs before the others and is gone then, unless it is a sidecar. */
  readonly init: boolean;
}

/** The containers of a pod that are known. */
export function containersOf({ spec, title }: PodTemplate): Container[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    listAt(spec, list)
      .filter((props) => typeof props === 'object' && props !== null)
      .map((props, index) => ({
        title: `${title}, container ${textAt(props, 'name') ?? index + 1}`,
        props,
        init: list === 'initContainers' && textAt(props, 'restartPolicy') !== 'Always',
      })),
  );
}

/** A Postgres cluster of CloudNativePG: the operator makes its pods, so that no template of them is in the stack. */
export interface PostgresPods {
  readonly title: string;
  readonly owner: Declared;
  readonly instances: number | undefined;
  readonly image: unknown;
  readonly resources: unknown;
  readonly nodeSelector: unknown;
}

export function postgresPods(resource: Described): PostgresPods | undefined {
  if (resource.type !== 'kubernetes:postgresql.cnpg.io/v1:Cluster') return undefined;
  const owner = declared(resource);
  return {
    owner,
    title: titleOf(owner),
    instances: numberAt(owner.props, 'spec', 'instances'),
    image: at(owner.props, 'spec', 'imageName'),
    resources: at(owner.props, 'spec', 'resources'),
    nodeSelector: at(owner.props, 'spec', 'affinity', 'nodeSelector'),
  };
}
