import { getOrganization, getProject, getStack, StackReference } from '@pulumi/pulumi';

/** The stack's own output that remembers when it was first deployed. */
export const FIRST_DEPLOYED = 'firstDeployedAt';

/**
 * When the stack was first deployed: what the last deployment remembered, or `now`. So a second `pulumi up` moves no
 * deadline and changes no maintenance window. A destroyed stack has no outputs, and begins anew.
 */
export async function firstDeployed(now: Date): Promise<Date> {
  const self = new StackReference('self', { name: `${getOrganization()}/${getProject()}/${getStack()}` });
  const details: { readonly value?: unknown } = await self.getOutputDetails(FIRST_DEPLOYED);
  return remembered(details.value) ?? now;
}

/** The time an earlier deployment wrote down; null when it wrote none, or something else. */
export function remembered(value: unknown): Date | null {
  const time = typeof value === 'string' ? new Date(value) : null;
  return time === null || Number.isNaN(time.getTime()) ? null : time;
}
