import type { types } from '@pulumi/kubernetes';
import type { Resources } from '../runtime/spec/machines.js';

/** CPU as Kubernetes itself would write it: `400m`, `2`. Any other spelling is a difference after a refresh. */
export function cpuQuantity(cpuMilli: number): string {
  return cpuMilli % 1_000 === 0 ? String(cpuMilli / 1_000) : `${Math.ceil(cpuMilli)}m`;
}

/** Bytes as Kubernetes itself would write them: `1Gi`, `1536Mi`, `5M`, `1001`. */
export function memoryQuantity(bytes: number): string {
  const [base, suffixes] =
    bytes % 1_024 === 0 ? [1_024, ['', 'Ki', 'Mi', 'Gi', 'Ti']] : [1_000, ['', 'k', 'M', 'G', 'T']];
  let [rest, steps] = [Math.ceil(bytes), 0];
  while (rest > 0 && rest % base === 0 && steps < suffixes.length - 1) [rest, steps] = [rest / base, steps + 1];
  return `${rest}${suffixes[steps] as string}`;
}

/** CPU and memory of a container, as a manifest says them. */
export function resourceList({ cpuMilli, memoryBytes }: Resources): { cpu: string; memory: string } {
  return { cpu: cpuQuantity(cpuMilli), memory: memoryQuantity(memoryBytes) };
}

/** Requests and limits of a container. */
export function resourceRequirements(requests: Resources, limits: Resources): types.input.core.v1.ResourceRequirements {
  return { requests: resourceList(requests), limits: resourceList(limits) };
}
