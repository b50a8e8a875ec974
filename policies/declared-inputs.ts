import type { ResourceValidationPolicy, StackValidationPolicy } from '@pulumi/policy';
import { known } from './known.js';

/**
 * What the program declared of each resource, kept for the rules that judge a whole stack.
 *
 * Pulumi shows such rules the outputs. In the first preview of a stack on GKE those of everything in the cluster are
 * empty: its provider is not configured before there is a cluster, and the engine then asks it nothing. The inputs are
 * known, and come by one at a time before.
 */
export class DeclaredInputs {
  private readonly byUrn = new Map<string, unknown>();

  /** Sees every resource and objects to none. */
  readonly rule: ResourceValidationPolicy = {
    name: 'declared-inputs',
    description: 'Reads what is declared, for the rules about the whole stack; it objects to nothing.',
    enforcementLevel: 'advisory',
    validateResource: ({ urn, props }) => {
      this.byUrn.set(urn, known(props));
    },
  };

  /** The same rule, shown the inputs of all resources whose inputs were seen. */
  shownTo(rule: StackValidationPolicy): StackValidationPolicy {
    return {
      ...rule,
      validateStack: (args, report) => {
        const resources = args.resources.map((resource) => {
          const props = this.byUrn.get(resource.urn);
          return props === undefined ? resource : { ...resource, props: props as typeof resource.props };
        });
        return rule.validateStack({ ...args, resources }, report);
      },
    };
  }
}
