import type { Experiment } from '../spec/experiment.js';
import type { CostItem } from './cost-item.js';

const MILLION = 1e6;

/**
 * What the agents' model calls cost: tokens of each task type, times its share, for every attempt (a failed one has
 * asked the model as well). No lines where tokens cost nothing.
 *
 * @param attempts of the whole planned run.
 */
export function modelItems(experiment: Experiment, attempts: number): CostItem[] {
  const { tasks, budget, durationMs, startAtMs } = experiment;
  const items: CostItem[] = [];
  for (const direction of ['input', 'output'] as const) {
    const usd = budget.modelUsdPerMillionTokens[direction];
    const tokens = attempts * tasks.types.reduce((sum, type) => sum + type.share * type.tokens[direction], 0);
    if (usd === 0 || tokens === 0) continue;
    items.push({
      part: `model ${direction}`,
      price: {
        sku: `model-${direction}-tokens`,
        unit: 'M tokens',
        usd,
        region: budget.region,
        purchase: null,
        source: 'the experiment, budget.models',
        // Whoever wrote the experiment vouches for it as of its run.
        asOf: new Date(startAtMs).toISOString().slice(0, 10),
        assumed: false,
      },
      what: `million tokens, ${Math.round(tokens / attempts).toLocaleString('en-US')} an attempt`,
      // What agents report takes the place of what was planned.
      quantityOf: (use) => (use.modelUsd === undefined ? ((tokens / MILLION) * use.elapsedMs) / durationMs : 0),
    });
  }
  return [...items, ...reportedItem(experiment)];
}

/** What real agents say their calls have cost. */
function reportedItem({ executor, budget, startAtMs }: Experiment): CostItem[] {
  if (executor.type === 'simulated') return [];
  return [
    {
      part: 'model calls',
      price: {
        sku: 'model-calls-reported',
        unit: 'USD',
        usd: 1,
        region: budget.region,
        purchase: null,
        source: 'the agents’ results',
        asOf: new Date(startAtMs).toISOString().slice(0, 10),
        assumed: false,
      },
      what: 'USD reported by agents',
      quantityOf: (use) => use.modelUsd ?? 0,
    },
  ];
}
