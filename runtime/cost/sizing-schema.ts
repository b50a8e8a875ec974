import { z } from 'zod';
import type { Sizing } from './sizing.js';

const amount = z.number().nonnegative();

/** Reads a {@link Sizing} back from JSON, as a snapshot stores it. */
export const sizingSchema: z.ZodType<Sizing> = z.strictObject({
  agentMachine: z.string().nullable(),
  minAgentNodes: amount,
  // JSON has no infinity: a pool without an end is stored as null.
  maxAgentNodes: amount.nullable().transform((nodes) => nodes ?? Infinity),
  pools: z.array(z.strictObject({ name: z.string(), machine: z.string(), nodes: amount })),
  clusterFee: z.boolean(),
  bootDisk: z.strictObject({ sku: z.string(), gib: amount }),
  volumes: z.array(z.strictObject({ name: z.string(), sku: z.string(), count: amount, gib: amount })),
  natAddresses: amount,
  interZone: z.strictObject({ bytesPerAttempt: amount, bytesPerBeat: amount }).nullable(),
  imageGib: amount,
  archive: z
    .strictObject({
      region: z.string(),
      bytesPerAttempt: amount,
      bytesPerSample: amount,
      bytesPerObject: z.number().positive(),
    })
    .nullable(),
  unpriced: z.array(z.string()),
});
