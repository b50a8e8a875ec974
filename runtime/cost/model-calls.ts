import type { Experiment } from '../spec/experiment.js';
import type { CostItem } from './cost-item.js';

const MILLION = 1e6;

/**
 * What the agents' model calls cost: tokens of each task type, times its share, for every attempt (a failed one has
 * asked the model as well). No lines where tokens cost nothing.
 *
 * @param attempts of the whole planned run.
 */
export function modelItems({ tasks, budget, durationMs, startAtMs }: Experiment, attempts: number): CostItem[] {
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
      quantityOf: (use) => ((tokens / MILLION) * use.elapsedMs) / durationMs,
    });
  }
  return items;
}
