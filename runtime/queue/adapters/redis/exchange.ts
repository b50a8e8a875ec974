import { answerLua } from './exchange-lua/answer.js';
import { constantsOf } from './exchange-lua/layout.js';
import { loadLua } from './exchange-lua/load.js';
import { performLua } from './exchange-lua/perform.js';
import { rareLua } from './exchange-lua/rare.js';
import { tasksLua } from './exchange-lua/tasks.js';
import { writeLua } from './exchange-lua/write.js';
import type { PartitionRules } from './partition-rules.js';

export { decodeReply, encodeRequest, leasesOf, rowOfLeases } from './exchange-wire.js';

/**
 * The script that carries out a request in a partition, for EVAL and EVALSHA on Redis ≥ 7.0: `Partition.exchange` in
 * Lua, the rules baked in. KEYS[1] is the partition's prefix ({@link partitionKeys}), ARGV[1] the request
 * (`encodeRequest`); ARGV[2] is the time in epoch ms where it is not to be Redis', which only tests want. It
 * answers with texts for `decodeReply`. It reads first, then decides, and writes last: an error before the first
 * write leaves everything as it was. Every execution writes something, so that WAIT has something to wait for.
 * @throws RangeError when a rule is not a number.
 */
export function exchangeScript(rules: PartitionRules): string {
  const c = constantsOf(rules);
  const parts = [loadLua, tasksLua, rareLua, performLua, answerLua, writeLua];
  // What people read here need not travel.
  return parts
    .map((part) => part(c))
    .join('')
    .replace(/^ *--.*\n/gm, '');
}

/** Names of a partition's keys; the hash tag keeps them in one slot. Which further keys there are: `layout.ts`. */
export interface PartitionKeys {
  /** What all of the partition's keys begin with. */
  readonly prefix: string;
  /** The stream of transitions of an epoch: fields `e` (a JSON array of events) and `n` (number within the epoch). */
  readonly log: (epoch: number) => string;
}

/**
 * @param run name of the run
 * @param tag hash tag that lies in the slot wanted
 * @throws RangeError when one of them would break the hash tag.
 */
export function partitionKeys(run: string, tag: string): PartitionKeys {
  for (const [name, value] of Object.entries({ run, tag })) {
    if (value === '' || /[{}]/.test(value)) {
      throw new RangeError(`the ${name} of a partition's keys is '${value}': it must not be empty nor have braces`);
    }
  }
  const prefix = `ae:${run}:{${tag}}:`;
  return { prefix, log: (epoch) => `${prefix}log:${epoch}` };
}
