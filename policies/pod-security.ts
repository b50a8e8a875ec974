import type { ResourceValidationPolicy } from '@pulumi/policy';
import { at, listAt, UNKNOWN } from './known.js';
import { containersOf, podTemplateOf, type Container } from './pods.js';
import { cpuMilli, memoryBytes } from './quantities.js';

/** Pods run as no root, can win no rights, and say what they need and how much they may take. */
export const podSecurity: ResourceValidationPolicy = {
  name: 'pod-security',
  description: 'Pods run as non-root without privileges, with requests and limits for CPU and memory.',
  validateResource: (resource, report) => {
    const template = podTemplateOf(resource);
    // A pod spec that is not known yet is judged in the update, before the pod is made.
    if (template === undefined || template.spec === UNKNOWN) return;
    for (const name of ['hostNetwork', 'hostPID', 'hostIPC'])
      if (at(template.spec, name) === true) report(`${template.title} sets ${name}: remove it.`);
    for (const container of containersOf(template)) {
      const faults = [...rightsFaults(template.spec, container), ...sizeFaults(container)];
      if (faults.length > 0) report(`${container.title}: ${faults.join('; ')}.`);
    }
  },
};

function rightsFaults(pod: unknown, { props }: Container): string[] {
  const own = (name: string): unknown => at(props, 'securityContext', name);
  const effective = (name: string): unknown => own(name) ?? at(pod, 'securityContext', name);
  const faults: string[] = [];
  if (isWrong(effective('runAsNonRoot'), true)) faults.push('may run as root (set securityContext.runAsNonRoot: true)');
  if (effective('runAsUser') === 0) faults.push('runs as user 0, which is root (set runAsUser to another)');
  if (own('privileged') === true) faults.push('is privileged (remove securityContext.privileged)');
  if (isWrong(own('allowPrivilegeEscalation'), false))
    faults.push('may win privileges (set securityContext.allowPrivilegeEscalation: false)');
  const drop = at(props, 'securityContext', 'capabilities', 'drop');
  const dropped = listAt(props, 'securityContext', 'capabilities', 'drop');
  if (drop !== UNKNOWN && !dropped.includes('ALL') && !dropped.includes(UNKNOWN))
    faults.push('keeps capabilities (set securityContext.capabilities.drop: [ALL])');
  const profile =
    at(props, 'securityContext', 'seccompProfile', 'type') ?? at(pod, 'securityContext', 'seccompProfile', 'type');
  if (profile === undefined || profile === 'Unconfined')
    faults.push('has no seccomp profile (set seccompProfile.type: RuntimeDefault)');
  return faults;
}

function isWrong(value: unknown, right: boolean): boolean {
  return value !== UNKNOWN && value !== right;
}

function sizeFaults({ props }: Container): string[] {
  const missing = (['requests', 'limits'] as const).flatMap((part) =>
    ['cpu', 'memory']
      .filter((kind) => at(props, 'resources', part, kind) === undefined)
      .map((kind) => `${part}.${kind}`),
  );
  const faults =
    missing.length === 0 ? [] : [`has no resources.${missing.join(', ')} (say what it needs and may take)`];
  const sizes = [
    ['cpu', cpuMilli, 'm'],
    ['memory', memoryBytes, ' bytes'],
  ] as const;
  for (const [kind, parse, unit] of sizes) {
    const request = parse(at(props, 'resources', 'requests', kind));
    const limit = parse(at(props, 'resources', 'limits', kind));
    if (request !== undefined && limit !== undefined && limit < request)
      faults.push(`asks for ${request - limit}${unit} more ${kind} than it may take (raise limits.${kind})`);
  }
  return faults;
}
