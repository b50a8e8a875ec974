import type { types } from '@pulumi/kubernetes';
import {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '@pulumi/kubernetes/admissionregistration/v1/index.js';
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate } from '@pulumi/pulumi';
import type { Deployment } from '../runtime/spec/deployment/deployment.js';
import { childOptions } from './child-options.js';
import type { Images } from './images.js';
import { CHAOS_TARGET_LABEL, labelsOf, WORKLOADS, type WorkloadName } from './workloads.js';

export interface ChaosAdmissionArgs {
  readonly deployment: Deployment;
  readonly images: Pick<Images, 'runtime'>;
}

/** Annotation by which a ReplicaSet chooses the pods it removes first. */
const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * What RBAC cannot say about the roles that change other pods: chaos deletes only pods that are marked as its targets,
 * the autoscaler changes nothing of a pod but its deletion cost, the weekly runner starts nothing but the load. They
 * bind the service accounts of this namespace alone, and refuse when they cannot be evaluated.
 */
export class ChaosAdmission extends ComponentResource {
  constructor(name: string, args: ChaosAdmissionArgs, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:ChaosAdmission', name, {}, opts);
    const { deployment } = args;
    this.#policy(name, 'chaos', deployment, opts, CHAOS);
    this.#policy(name, 'autoscaler', deployment, opts, AUTOSCALER);
    if (deployment.schedule !== null)
      this.#policy(name, 'experiment-runner', deployment, opts, runner(args.images.runtime));
    this.registerOutputs({});
  }

  #policy(
    name: string,
    workload: WorkloadName,
    deployment: Deployment,
    opts: ComponentResourceOptions | undefined,
    spec: Pick<PolicySpec, 'validations' | 'variables'> & { readonly rules: readonly Rule[] },
  ): void {
    const { namespace } = deployment;
    // Policies belong to the whole cluster, so the namespace is part of their name.
    const metadata = { name: `${namespace}-${workload}`, labels: labelsOf(deployment, workload, 'admission') };
    const { rules, ...conditions } = spec;
    const policy = new ValidatingAdmissionPolicy(
      `${name}-${workload}`,
      {
        metadata,
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: { resourceRules: [...rules] },
          matchConditions: [
            {
              name: 'by-this-service-account',
              expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${workload}'`,
            },
          ],
          ...conditions,
        },
      },
      childOptions(this, opts),
    );
    new ValidatingAdmissionPolicyBinding(
      `${name}-${workload}`,
      { metadata, spec: { policyName: metadata.name, validationActions: ['Deny'] } },
      { parent: this, dependsOn: [policy] },
    );
  }
}

type PolicySpec = types.input.admissionregistration.v1.ValidatingAdmissionPolicySpec;
type Rule = types.input.admissionregistration.v1.NamedRuleWithOperations;

/** Deployments whose pods are marked as targets. */
const TARGETS = [WORKLOADS.agent.object, WORKLOADS.coordinator.object];

const CHAOS = {
  rules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'] },
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] },
  ],
  validations: [
    {
      expression:
        `request.operation != 'DELETE' || (has(oldObject.metadata.labels) && ` +
        `'${CHAOS_TARGET_LABEL}' in oldObject.metadata.labels && ` +
        `oldObject.metadata.labels['${CHAOS_TARGET_LABEL}'] == 'true')`,
      message: `chaos may delete only pods with the label ${CHAOS_TARGET_LABEL}=true`,
    },
    {
      // An eviction is admitted before the pod is looked up, so its labels are out of sight here; its name is not.
      expression:
        `request.operation != 'CREATE' || ` +
        `[${TARGETS.map((target) => `'${target}-'`).join(', ')}].exists(prefix, request.name.startsWith(prefix))`,
      message: `chaos may evict only pods of ${TARGETS.join(' and ')}`,
    },
  ],
};

const AUTOSCALER = {
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods'] }],
  variables: [
    { name: 'before', expression: 'has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}' },
    { name: 'after', expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}' },
    { name: 'labelsWere', expression: 'has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}' },
    { name: 'labelsAre', expression: 'has(object.metadata.labels) ? object.metadata.labels : {}' },
    {
      name: 'ownersWere',
      expression: 'has(oldObject.metadata.ownerReferences) ? oldObject.metadata.ownerReferences : []',
    },
    { name: 'ownersAre', expression: 'has(object.metadata.ownerReferences) ? object.metadata.ownerReferences : []' },
    { name: 'finalizersWere', expression: 'has(oldObject.metadata.finalizers) ? oldObject.metadata.finalizers : []' },
    { name: 'finalizersAre', expression: 'has(object.metadata.finalizers) ? object.metadata.finalizers : []' },
  ],
  validations: [
    {
      expression:
        `variables.after.all(key, key == '${DELETION_COST_ANNOTATION}' || ` +
        `(key in variables.before && variables.before[key] == variables.after[key])) && ` +
        `variables.before.all(key, key == '${DELETION_COST_ANNOTATION}' || key in variables.after)`,
      message: `the autoscaler may change no annotation of a pod but ${DELETION_COST_ANNOTATION}`,
    },
    {
      expression:
        'object.spec == oldObject.spec && variables.labelsAre == variables.labelsWere && ' +
        'variables.ownersAre == variables.ownersWere && variables.finalizersAre == variables.finalizersWere',
      message: 'the autoscaler may change nothing of a pod but its deletion cost',
    },
  ],
};

/** The load generator under its own name and account, from the image of the experiment, and nothing else. */
function runner(image: Input<string>): Pick<PolicySpec, 'validations'> & { readonly rules: readonly Rule[] } {
  const load = WORKLOADS['load-generator'].object;
  return {
    rules: [{ apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['jobs'] }],
    validations: [
      {
        expression: `has(object.metadata.name) && object.metadata.name == '${load}'`,
        message: `the weekly runner may create only the job ${load}`,
      },
      {
        expression:
          `has(object.spec.template.spec.serviceAccountName) && ` +
          `object.spec.template.spec.serviceAccountName == 'load-generator'`,
        message: 'the load runs under the service account load-generator',
      },
      {
        expression: interpolate`!has(object.spec.template.spec.initContainers) && object.spec.template.spec.containers.all(container, container.image == '${image}')`,
        message: 'the load runs from the image of the experiment',
      },
    ],
  };
}
