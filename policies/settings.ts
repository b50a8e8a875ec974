import type { StackValidationArgs } from '@pulumi/policy';

/**
 * The settings of a rule: what the pack's configuration says, and the defaults for the rest. Pulumi fills in the
 * schema's defaults itself; a rule that is called as a function has only these.
 */
export function settingsOf<T extends object>(args: Pick<StackValidationArgs, 'getConfig'>, defaults: T): T {
  return { ...defaults, ...args.getConfig<Partial<T>>() };
}
