import type { ResourceValidationPolicy, StackValidationPolicy } from '@pulumi/policy';
import { allowedMachineTypes } from './allowed-machine-types.js';
import { deadlinePresent } from './deadline-present.js';
import { encryptedBucket } from './encrypted-bucket.js';
import { fleetFitsNodes } from './fleet-fits-nodes.js';
import { hourlyCost } from './hourly-cost.js';
import { imagesByDigest } from './images-by-digest.js';
import { loadFeasible } from './load-feasible.js';
import { noMaintenanceInRun } from './no-maintenance-in-run.js';
import { noPublicBucket } from './no-public-bucket.js';
import { noStaticCloudKeys } from './no-static-cloud-keys.js';
import { nothingSurvivesTeardown } from './nothing-survives-teardown.js';
import { podSecurity } from './pod-security.js';
import { requiredLabels } from './required-labels.js';
import { runCost } from './run-cost.js';

/** Every rule of the pack. Whole-stack rules run at the end of a preview, the others before a resource is touched. */
export const RULES: readonly (ResourceValidationPolicy | StackValidationPolicy)[] = [
  runCost,
  hourlyCost,
  loadFeasible,
  fleetFitsNodes,
  deadlinePresent,
  requiredLabels,
  noPublicBucket,
  encryptedBucket,
  noStaticCloudKeys,
  nothingSurvivesTeardown,
  imagesByDigest,
  podSecurity,
  allowedMachineTypes,
  noMaintenanceInRun,
];
