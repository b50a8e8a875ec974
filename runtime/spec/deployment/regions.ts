/**
 * Zones of the regions there are prices for. Source: https://cloud.google.com/compute/docs/regions-zones (us-east1 and
 * europe-west1 begin with b).
 */
const REGION_ZONES: Readonly<Record<string, readonly string[]>> = {
  'us-central1': ['us-central1-a', 'us-central1-b', 'us-central1-c', 'us-central1-f'],
  'asia-northeast1': ['asia-northeast1-a', 'asia-northeast1-b', 'asia-northeast1-c'],
  'europe-west4': ['europe-west4-a', 'europe-west4-b', 'europe-west4-c'],
  'us-east1': ['us-east1-b', 'us-east1-c', 'us-east1-d'],
};

/** The regions whose zones are known. */
export const REGION_NAMES: readonly string[] = Object.keys(REGION_ZONES);

/** The zones of a region, undefined when it is not in the table. */
export function regionZones(region: string): readonly string[] | undefined {
  return REGION_ZONES[region];
}
