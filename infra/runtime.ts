import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { AgentFleet } from './agent-fleet.js';
import { childOptions } from './child-options.js';
import { Coordinators } from './coordinators.js';
import type { RoleContext } from './role-context.js';
import { SingleRole, type SingleRoleName } from './single-role.js';

const SINGLE_ROLES: readonly SingleRoleName[] = ['autoscaler', 'chaos', 'monitor'];

/** The roles that run all the time: coordinators, agents, autoscaler, chaos and monitor. Nothing of it is public. */
export class Runtime extends ComponentResource {
  /** Address of the control API within the cluster. */
  readonly controlUrl: Output<string>;
  /** Name of the agents' Deployment. */
  readonly agents: Output<string>;

  constructor(name: string, context: RoleContext, opts?: ComponentResourceOptions) {
    super('agent-experiment:infra:Runtime', name, {}, opts);
    const child = childOptions(this, opts);
    this.controlUrl = new Coordinators(`${name}-coordinator`, context, child).controlUrl;
    this.agents = new AgentFleet(`${name}-agent`, context, child).deploymentName;
    for (const role of SINGLE_ROLES) new SingleRole(`${name}-${role}`, { role, context }, child);
    this.registerOutputs({ controlUrl: this.controlUrl, agents: this.agents });
  }
}
