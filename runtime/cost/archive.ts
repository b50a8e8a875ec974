import type { Experiment } from '../spec/experiment.js';
import { attemptsPerTask } from '../spec/load-forecast.js';
import type { CostItem } from './cost-item.js';
import type { Price, PriceTable } from './price-table.js';
import { GB, months, plannedTasks, progress } from './quantities.js';
import type { Sizing } from './sizing.js';

/** What the archive of a whole planned run costs for as long as it is kept, however little else is left. */
export interface KeptArchive {
  readonly gb: number;
  readonly perMonthUsd: number;
  readonly price: Price;
}

/** Bytes the planned run leaves in the archive. */
export function archiveBytes(experiment: Experiment, { archive }: Sizing): number {
  if (archive === null) return 0;
  const samples = experiment.durationMs / experiment.storage.timeSeries.resolutionMs;
  const attempts = plannedTasks(experiment) * attemptsPerTask(experiment);
  return attempts * archive.bytesPerAttempt + samples * archive.bytesPerSample;
}

/** The archive by itself, whole; null = there is none, or one whose price is not known. Throws PRICE_UNKNOWN. */
export function keptArchive(experiment: Experiment, prices: PriceTable, sizing: Sizing): KeptArchive | null {
  if (sizing.archive === null) return null;
  const price = storagePrice(prices, sizing.archive.region);
  const gb = archiveBytes(experiment, sizing) / GB;
  return { gb, perMonthUsd: gb * price.usd, price };
}

export function archiveItems(experiment: Experiment, prices: PriceTable, sizing: Sizing): CostItem[] {
  if (sizing.archive === null) return [];
  const { region, bytesPerObject } = sizing.archive;
  const bytes = archiveBytes(experiment, sizing);
  const retentionMonths = months(experiment.storage.rawLogs.retentionMs);
  return [
    {
      part: 'S3 storage',
      price: storagePrice(prices, region),
      what: `GB-months, kept for ${Math.round(retentionMonths * 10) / 10} months`,
      quantityOf: (use) => (bytes / GB) * retentionMonths * progress(use, experiment),
    },
    {
      part: 'S3 requests',
      price: prices.lookup({ sku: 's3-put-copy-post-list', unit: '1000 requests', region }),
      what: 'thousand requests',
      quantityOf: (use) => (bytes / bytesPerObject / 1_000) * progress(use, experiment),
    },
  ];
}

function storagePrice(prices: PriceTable, region: string): Price {
  return prices.lookup({ sku: 's3-standard-storage', unit: 'GB-month', region });
}
