import type { Translate } from './i18n.js';
import type { QueueProvenance } from './model.js';

/** Where a run's tasks were kept, in a sentence. */
export function queueText({ kind, ...redis }: QueueProvenance, t: Translate): string {
  if (kind === 'memory') return t('provenance.queue.memory');
  const { redisVersion = '?', partitions = NaN, degradedSeconds = NaN, processes = false, clockBoundMs } = redis;
  const text = t('provenance.queue.redis', { version: redisVersion, partitions, seconds: degradedSeconds });
  const clocks =
    clockBoundMs === undefined ? '' : t('provenance.queue.clocks', { ms: Math.ceil(clockBoundMs * 10) / 10 });
  return `${text}${clocks}${processes ? t('provenance.queue.processes') : ''}`;
}
