import type { ModelUsage } from '../../task.js';

/** What an attempt used of a model, as it travels in results and logs; '' = nothing. */
export const usageText = (usage: ModelUsage | undefined): string =>
  usage === undefined ? '' : `${usage.inputTokens} ${usage.outputTokens} ${usage.usd}`;

/** The other way round. */
export function usageOf(text: string): ModelUsage | undefined {
  if (text === '') return undefined;
  const [inputTokens = 0, outputTokens = 0, usd = 0] = text.split(' ').map(Number);
  return { inputTokens, outputTokens, usd };
}
