import {
  ComponentResource,
  CustomResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
} from '@pulumi/pulumi';
import type { types } from '@pulumi/kubernetes';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import type { Images } from './images.js';
import { readOperatorManifest, typeToken, type ManifestObject } from './operator-manifest.js';
import { placedOn } from './placement.js';

export interface PostgresOperatorArgs {
  readonly deployment: Deployment;
  readonly images: Images;
  /** Text of CloudNativePG's release manifest. */
  readonly manifest: string;
}

type PodSpec = types.input.core.v1.PodSpec;

/** An object of a manifest. A class of ours, so that no kind's own module has to be loaded for it. */
class ManifestResource extends CustomResource {
  constructor(object: ManifestObject, opts: CustomResourceOptions) {
    const { name, namespace } = object.metadata;
    super(typeToken(object), [object.kind, namespace, name].filter(Boolean).join('/').toLowerCase(), object, opts);
  }
}

/** The CloudNativePG operator as its makers release it, with our image, on our nodes, watching our namespace only. */
export class PostgresOperator extends ComponentResource {
  /** Everything of it: what it manages is made after all of these, and deleted before. */
  readonly objects: readonly CustomResource[];

  constructor(name: string, { deployment, images, manifest }: PostgresOperatorArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:PostgresOperator', name, {}, opts);
    const { definitions, others } = readOperatorManifest(manifest);
    const made = (object: ManifestObject, dependsOn: CustomResource[]): ManifestResource =>
      new ManifestResource(ours(object, deployment, images.postgresOperator), { parent: this, dependsOn });
    const defined = definitions.map((object) => made(object, []));
    // Webhooks come last, and so go first: a webhook without its operator refuses every change of a Cluster.
    // The operator's pod needs its account, its rights and its settings before it can begin.
    const means = others.filter((one) => !isWebhook(one) && !isWorkload(one)).map((object) => made(object, defined));
    const running = others.filter(isWorkload).map((object) => made(object, [...defined, ...means]));
    const webhooks = others.filter(isWebhook).map((object) => made(object, [...defined, ...means, ...running]));
    this.objects = [...defined, ...means, ...running, ...webhooks];
    this.registerOutputs({});
  }
}

function isWebhook({ kind }: ManifestObject): boolean {
  return kind.endsWith('WebhookConfiguration');
}

function isWorkload({ kind }: ManifestObject): boolean {
  return kind === 'Deployment';
}

function ours(object: ManifestObject, deployment: Deployment, image: Input<string>): ManifestObject {
  const labels = { ...object.metadata.labels, ...deployment.labels };
  const labelled = { ...object, metadata: { ...object.metadata, labels } };
  return object.kind === 'Deployment' ? adapted(labelled, deployment, image) : labelled;
}

interface Container {
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

interface DeploymentSpec {
  readonly template: { readonly metadata?: object; readonly spec: { readonly containers: readonly Container[] } };
}

function adapted(object: ManifestObject, deployment: Deployment, image: Input<string>): ManifestObject {
  const spec = object['spec'] as DeploymentSpec;
  const pod = spec.template.spec;
  // The operator puts its own image into the instances' pods: it has to know by which name.
  const ownEnv: Record<string, Input<string>> = {
    OPERATOR_IMAGE_NAME: image,
    WATCH_NAMESPACE: deployment.namespace,
  };
  const { pullSecret } = deployment.image;
  const adaptedPod: Partial<PodSpec> = {
    ...placedOn('monitoring', deployment.placement),
    ...(pullSecret === null ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
  };
  const containers = pod.containers.map((container) => ({
    ...container,
    image,
    // By digest there is nothing newer to pull.
    imagePullPolicy: 'IfNotPresent',
    env: [
      ...(container.env ?? []).filter(({ name }) => ownEnv[name] === undefined),
      ...Object.entries(ownEnv).map(([name, value]) => ({ name, value })),
    ],
  }));
  return {
    ...object,
    spec: { ...spec, template: { ...spec.template, spec: { ...pod, ...adaptedPod, containers } } },
  };
}
