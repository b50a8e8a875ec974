import { HOUR } from '../kernel/units.js';
import type { Experiment } from '../spec/experiment.js';
import { attemptsPerTask } from '../spec/load-forecast.js';
import { archiveBytes, archiveItems } from './archive.js';
import type { CostItem, ResourceUse } from './cost-item.js';
import { modelItems } from './model-calls.js';
import { assumptionOf, isStale, type Price, type PriceTable } from './price-table.js';
import { GIB, months, plannedTasks, progress } from './quantities.js';
import { agentPurchase, nodesFor, unpricedRemark, type Sizing } from './sizing.js';

export type { ResourceUse } from './cost-item.js';

/** One line of the bill. */
export interface CostPart {
  part: string;
  usd: number;
  /** Quantity × price, source and date of the price; says so when the price is assumed or stale. */
  basis: string;
  /** In units of the price. */
  quantity: number;
  price: Price;
  stale: boolean;
}

/** What an experiment costs on a cluster; assignable to the report's `CostSummary`. Money in US dollars. */
export interface CostEstimate {
  totalUsd: number;
  perHourUsd: number;
  budgetUsd: number;
  perThousandTasksUsd: number;
  parts: CostPart[];
  /** True when some price was taken over from another region, or had to be assumed altogether. */
  assumed: boolean;
  /** True when some price was older than a year at the start of the run. */
  stale: boolean;
  region: string;
  /** What the bill does not hold, in sentences for people. */
  remarks: string[];
}

/**
 * Prices the use of a cluster for one experiment. The estimator and the meter both count with it, so that they
 * cannot differ. Machines, disks, fees and gateways are paid by time. Traffic and archive are taken to grow evenly
 * with time up to the amount of all scheduled tasks at the planned end. Data are charged as if all of them left for
 * the internet, at the price of the first tier, and the archive is charged for its whole retention.
 */
export class CostModel {
  private readonly items: readonly CostItem[];
  private readonly tasks: number;
  private readonly remarks: string[];

  /** Throws PRICE_UNKNOWN when the table lacks a price. */
  constructor(
    private readonly experiment: Experiment,
    prices: PriceTable,
    private readonly sizing: Sizing,
  ) {
    this.tasks = plannedTasks(experiment);
    const models = modelItems(experiment, this.tasks * attemptsPerTask(experiment));
    this.items = [
      ...machineItems(experiment, prices, sizing),
      ...diskItems(experiment, prices, sizing),
      ...networkItems(experiment, prices, sizing, this.tasks),
      ...archiveItems(experiment, prices, sizing),
      ...models,
    ];
    const unpriced = unpricedRemark(sizing);
    this.remarks = [
      ...(unpriced === null ? [] : [unpriced]),
      ...(models.length === 0
        ? ['Model calls cost nothing here: the simulated executor makes none, and budget.models is 0.']
        : []),
      ...(models.length === 1 && experiment.executor.type !== 'simulated'
        ? ['Model calls: what agents report while they run. Nothing is planned for them, as budget.models is 0.']
        : []),
    ];
  }

  nodes(agents: number): number {
    return nodesFor(agents, this.experiment.fleet.agentsPerNode, this.sizing);
  }

  totalUsd(use: ResourceUse): number {
    let total = 0;
    for (const item of this.items) total += item.quantityOf(use) * item.price.usd;
    return total;
  }

  /** The bill for a use; prices are judged stale at `atMs`, the start of the run by default. */
  estimate(use: ResourceUse, atMs: number = this.experiment.startAtMs): CostEstimate {
    const parts = this.items.map((item) => partOf(item, use, atMs));
    const totalUsd = this.totalUsd(use);
    const done = this.tasks * progress(use, this.experiment);
    return {
      totalUsd,
      perHourUsd: use.elapsedMs > 0 ? totalUsd / (use.elapsedMs / HOUR) : 0,
      budgetUsd: this.experiment.budget.maxUsd,
      perThousandTasksUsd: done > 0 ? totalUsd / (done / 1_000) : 0,
      parts,
      assumed: parts.some((part) => part.price.assumed),
      stale: parts.some((part) => part.stale),
      region: this.experiment.budget.region,
      remarks: [...this.remarks],
    };
  }
}

function machineItems({ budget: { region }, fleet }: Experiment, prices: PriceTable, sizing: Sizing): CostItem[] {
  const agentPool = agentPoolItem(region, fleet, prices, sizing);
  const pools = sizing.pools.map(({ name, machine, nodes }): CostItem => ({
    part: `${name} nodes`,
    price: prices.lookup({ sku: machine, unit: 'hour', region, purchase: 'on-demand' }),
    what: `${machine} on-demand node-hours, ${nodes} nodes`,
    quantityOf: (use) => (nodes * use.elapsedMs) / HOUR,
  }));
  const fee: CostItem = {
    part: 'GKE management fee',
    price: prices.lookup({ sku: 'gke-cluster-management-fee', unit: 'hour', region }),
    what: 'cluster-hours',
    quantityOf: (use) => use.elapsedMs / HOUR,
  };
  return [...agentPool, ...pools, ...(sizing.clusterFee ? [fee] : [])];
}

function agentPoolItem(
  region: string,
  fleet: Experiment['fleet'],
  prices: PriceTable,
  { agentMachine }: Sizing,
): CostItem[] {
  if (agentMachine === null) return [];
  const purchase = agentPurchase(fleet.spot.enabled);
  return [
    {
      part: 'agent-pool nodes',
      price: prices.lookup({ sku: agentMachine, unit: 'hour', region, purchase }),
      what: `${agentMachine} ${purchase === 'spot' ? 'Spot' : 'on-demand'} node-hours, ${fleet.agentsPerNode} agents a node`,
      quantityOf: (use) => use.agentNodeMs / HOUR,
    },
  ];
}

function diskItems({ budget: { region } }: Experiment, prices: PriceTable, sizing: Sizing): CostItem[] {
  const { agentMachine, bootDisk, pools, volumes } = sizing;
  const fixedNodes = pools.reduce((sum, pool) => sum + pool.nodes, 0);
  const boot: CostItem = {
    part: 'boot disks',
    price: prices.lookup({ sku: bootDisk.sku, unit: 'GiB-month', region }),
    what: `GiB-months of ${bootDisk.sku}, ${bootDisk.gib} GiB a node`,
    quantityOf: (use) => months(bootDisk.gib * (use.agentNodeMs + fixedNodes * use.elapsedMs)),
  };
  const stores = volumes.map(({ name, sku, count, gib }): CostItem => ({
    part: `${name} disks`,
    price: prices.lookup({ sku, unit: 'GiB-month', region }),
    what: `GiB-months of ${sku}, ${count} × ${gib} GiB`,
    quantityOf: (use) => months(count * gib * use.elapsedMs),
  }));
  return [...(agentMachine === null ? [] : [boot]), ...stores];
}

function networkItems(experiment: Experiment, prices: PriceTable, sizing: Sizing, tasks: number): CostItem[] {
  return [...outwardItems(experiment, prices, sizing, tasks), ...inwardItems(experiment, prices, sizing, tasks)];
}

/** What leaves the cluster through its gateway. */
function outwardItems(experiment: Experiment, prices: PriceTable, sizing: Sizing, tasks: number): CostItem[] {
  if (sizing.natAddresses === 0) return [];
  const { region } = experiment.budget;
  const attempts = tasks * attemptsPerTask(experiment);
  const gib = (attempts * experiment.simulation.networkBytesPerTask + archiveBytes(experiment, sizing)) / GIB;
  return [
    {
      part: 'NAT gateway',
      // The cap for 32 nodes and more; a smaller cluster pays up to 3 cents an hour less.
      price: prices.lookup({ sku: 'cloud-nat-gateway-max', unit: 'hour', region }),
      what: 'gateway-hours (32 nodes or more)',
      quantityOf: (use) => use.elapsedMs / HOUR,
    },
    {
      part: 'NAT addresses',
      price: prices.lookup({ sku: 'external-ip-in-use-standard-vm', unit: 'hour', region }),
      what: `address-hours, ${sizing.natAddresses} address${sizing.natAddresses === 1 ? '' : 'es'}`,
      quantityOf: (use) => (sizing.natAddresses * use.elapsedMs) / HOUR,
    },
    {
      part: 'NAT data',
      price: prices.lookup({ sku: 'cloud-nat-data-processed', unit: 'GiB', region }),
      what: 'GiB',
      quantityOf: (use) => gib * progress(use, experiment),
    },
    {
      part: 'internet egress',
      price: prices.lookup({ sku: 'internet-egress-premium-0-1TB', unit: 'GiB', region }),
      what: 'GiB, first tier',
      quantityOf: (use) => gib * progress(use, experiment),
    },
  ];
}

/** What moves between the zones of the cluster, and what its registry keeps. */
function inwardItems(experiment: Experiment, prices: PriceTable, sizing: Sizing, tasks: number): CostItem[] {
  const { interZone, imageGib } = sizing;
  const { budget, fleet, queue } = experiment;
  const items: CostItem[] = [];
  if (interZone !== null) {
    const attemptBytes = tasks * attemptsPerTask(experiment) * interZone.bytesPerAttempt;
    // Nodes taken as full, every beat as one to another zone: a little more than there can be.
    const beatsPerNodeMs = fleet.agentsPerNode / queue.beatMs;
    items.push({
      part: 'inter-zone egress',
      price: prices.lookup({ sku: 'inter-zone-egress', unit: 'GiB', region: budget.region }),
      what: 'GiB between zones',
      quantityOf: (use) =>
        (attemptBytes * progress(use, experiment) + use.agentNodeMs * beatsPerNodeMs * interZone.bytesPerBeat) / GIB,
    });
  }
  if (imageGib > 0) {
    items.push({
      part: 'image storage',
      price: prices.lookup({ sku: 'artifact-registry-storage', unit: 'GiB-month', region: budget.region }),
      what: `GiB-months, ${imageGib} GiB`,
      quantityOf: (use) => months(imageGib * use.elapsedMs),
    });
  }
  return items;
}

function partOf(item: CostItem, use: ResourceUse, atMs: number): CostPart {
  const { part, price, what } = item;
  const quantity = item.quantityOf(use);
  const stale = isStale(price, atMs);
  const assumption = assumptionOf(price);
  const marks = [...(assumption === null ? [] : [`assumed: ${assumption}`]), ...(stale ? ['older than a year'] : [])];
  const marked = marks.length === 0 ? '' : ` [${marks.join('; ')}]`;
  const origin = `${price.region}, ${price.asOf}, ${price.source}`;
  const basis = `${formatQuantity(quantity)} ${what} × $${price.usd} (${origin})${marked}`;
  return { part, usd: quantity * price.usd, basis, quantity, price, stale };
}

/** At least three digits: `12,345`, `12.3`, `0.0123`. */
export function formatQuantity(quantity: number): string {
  return quantity.toLocaleString(
    'en-US',
    quantity >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  );
}
