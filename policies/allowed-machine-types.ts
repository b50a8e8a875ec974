import type { ResourceValidationPolicy } from '@pulumi/policy';
import { MACHINE_TYPE_NAMES } from '../runtime/spec/machines.js';
import { textAt } from './known.js';
import { NODE_POOL } from './node-pools.js';
import { declared, titleOf } from './resources.js';
import { settingsOf } from './settings.js';

interface Settings {
  readonly allowed: readonly string[];
}

const DEFAULTS: Settings = { allowed: MACHINE_TYPE_NAMES };

/** Where a resource says on which machine it runs. */
const MACHINES: Readonly<Record<string, readonly string[]>> = {
  [NODE_POOL]: ['nodeConfig', 'machineType'],
  'gcp:container/cluster:Cluster': ['nodeConfig', 'machineType'],
  'gcp:compute/instance:Instance': ['machineType'],
  'gcp:compute/instanceTemplate:InstanceTemplate': ['machineType'],
  'aws:ec2/instance:Instance': ['instanceType'],
};

/** Machines are of types there is a price for, and that somebody has agreed to. */
export const allowedMachineTypes: ResourceValidationPolicy = {
  name: 'allowed-machine-types',
  description: 'Machine types come from a list.',
  configSchema: {
    properties: {
      allowed: {
        type: 'array',
        items: { type: 'string' },
        default: [...DEFAULTS.allowed],
        description: 'Machine types that may be used.',
      },
    },
  },
  validateResource: (args, report) => {
    const path = MACHINES[args.type];
    if (path === undefined) return;
    const resource = declared(args);
    const machine = textAt(resource.props, ...path);
    const { allowed } = settingsOf(args, DEFAULTS);
    if (machine === undefined || allowed.includes(machine)) return;
    report(
      `${titleOf(resource)} uses ${machine}, which is none of the ${allowed.length} allowed machine types: ` +
        `choose one of ${allowed.join(', ')}, or add it to "allowed" of this policy and to the price table.`,
    );
  },
};
