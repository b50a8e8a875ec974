/** What a machine type offers, and what of it a pod can have. */

export interface MachineType {
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** Images must be built for it. */
  readonly architecture: 'amd64' | 'arm64';
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/**
 * Machine types there is a price for. Source: https://cloud.google.com/compute/docs/general-purpose-machines
 * (n2, n2d, e2, t2d and c4a «standard»: 4 GiB of memory per vCPU; c4a is Arm).
 */
const MACHINE_TYPES: Readonly<Record<string, MachineType>> = {
  'n2-standard-4': { vcpus: 4, memoryBytes: 16 * GIB, architecture: 'amd64' },
  'n2-standard-8': { vcpus: 8, memoryBytes: 32 * GIB, architecture: 'amd64' },
  'n2d-standard-4': { vcpus: 4, memoryBytes: 16 * GIB, architecture: 'amd64' },
  'e2-standard-2': { vcpus: 2, memoryBytes: 8 * GIB, architecture: 'amd64' },
  'e2-standard-4': { vcpus: 4, memoryBytes: 16 * GIB, architecture: 'amd64' },
  't2d-standard-4': { vcpus: 4, memoryBytes: 16 * GIB, architecture: 'amd64' },
  'c4a-standard-4': { vcpus: 4, memoryBytes: 16 * GIB, architecture: 'arm64' },
};

/** The names of all machine types that are known here. */
export const MACHINE_TYPE_NAMES: readonly string[] = Object.keys(MACHINE_TYPES);

/** The machine type of that name; undefined when it is not in the table. */
export function machineType(name: string): MachineType | undefined {
  return MACHINE_TYPES[name];
}

/** CPU in thousandths of a core and memory in bytes: what a pod asks for, or a node has to give. */
export interface Resources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/**
 * What GKE leaves to pods on a node: the machine less the shares kept for kubelet and system, and less the 100 MiB
 * eviction threshold. Source: https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes
 */
export function allocatable({ vcpus, memoryBytes }: MachineType): Resources {
  const reservedMilli = stepwise(vcpus, [
    [1, 60],
    [1, 10],
    [2, 5],
    [Infinity, 2.5],
  ]);
  const reservedBytes = stepwise(memoryBytes, [
    [4 * GIB, 0.25],
    [4 * GIB, 0.2],
    [8 * GIB, 0.1],
    [112 * GIB, 0.06],
    [Infinity, 0.02],
  ]);
  return { cpuMilli: vcpus * 1_000 - reservedMilli, memoryBytes: memoryBytes - reservedBytes - 100 * MIB };
}

/**
 * What pods that run on every node (DNS, networking, logging, metrics, CSI driver and our fault proxy) ask for.
 * Assumed: GKE documents no total; it is a little above what a standard cluster of 2026 shows in `kubectl describe node`.
 */
export const PER_NODE_PODS: Resources = { cpuMilli: 300, memoryBytes: 500 * MIB };

/** Pods of such requests that one node of the machine type can hold. */
export function podsPerNode(machine: MachineType, requests: Resources): number {
  const free = allocatable(machine);
  const byCpu = (free.cpuMilli - PER_NODE_PODS.cpuMilli) / requests.cpuMilli;
  const byMemory = (free.memoryBytes - PER_NODE_PODS.memoryBytes) / requests.memoryBytes;
  return Math.max(0, Math.floor(Math.min(byCpu, byMemory) + 1e-9));
}

/** Σ of amount × rate over consecutive bands `[width, rate]`. */
function stepwise(amount: number, bands: ReadonlyArray<readonly [width: number, rate: number]>): number {
  let [rest, total] = [amount, 0];
  for (const [width, rate] of bands) {
    const part = Math.min(rest, width);
    total += part * rate;
    rest -= part;
  }
  return total;
}
