import { mergeOptions, type ComponentResourceOptions, type CustomResourceOptions, type Resource } from '@pulumi/pulumi';

/**
 * Options of a component's children. Pulumi hands the providers of a component down to its children, but not what the
 * component waits for: a child without `dependsOn` would be made at once.
 *
 * @param extra options of this child alone; what it waits for is added.
 */
export function childOptions(
  parent: Resource,
  opts: ComponentResourceOptions | undefined,
  extra: CustomResourceOptions = {},
): CustomResourceOptions {
  return mergeOptions({ parent, ...(opts?.dependsOn === undefined ? {} : { dependsOn: opts.dependsOn }) }, extra);
}
