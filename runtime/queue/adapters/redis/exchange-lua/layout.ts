import { backoffMs } from '../../../protocol.js';
import { DONE, DRIVER_MEMORY, HOLD_BEATS, OUTAGE_MS, type PartitionRules, SUSPECT_BEATS } from '../partition-rules.js';

/*
 * How a partition is kept in Redis. All its keys begin with the prefix that the script is given:
 *
 *     m            what there is one of, packed: epoch, owner, counters, lengths of the lines (`MAIN`)
 *     t            unfinished tasks: index → packed record (`E`)
 *     p            their payloads, where they have one: of no interest but to the agent that gets the task
 *     r0 … r3      indices of tasks that are ready, by priority, the next one at the head
 *     d            indices of delayed tasks by the time they are due
 *     a            agents: id → packed record (`A`)
 *     w            agents that wait for tasks, in turn
 *     f:<block>    outcomes of finished tasks, four bits each, 65,536 to a block
 *     x            drivers: id → number and answer of the last request, and when it came
 *     log:<epoch>  stream of the transitions
 *
 * Measured, not guessed: a record is packed as a row of values without a header, so that reading one makes no table
 * that is thrown away. Indices, priorities and types are strings all the way, since to write a number as text takes
 * longer than to look up a task. The state is one table and what is rare is made when it is needed, since a script's
 * functions are made anew for every request, and each one pays for the variables it shares.
 */

/** Positions in a task's record. The first is the script's own mark of a change and is not stored. */
export const E = {
  changed: 1,
  phase: 2,
  attempts: 3,
  attemptId: 4,
  due: 5,
  generation: 6,
  agent: 7,
  startedAt: 8,
  everStarted: 9,
  priority: 10,
  type: 11,
  scheduledAt: 12,
  /** Not in the record: nil = not read so far. */
  payload: 13,
} as const;

/** Values of a stored task: what stands between the script's own mark and the payload. */
export const E_STORED = E.payload - 2;

/** Positions in an agent's record. The first is its part of the open credit and is not stored. */
export const A = {
  open: 1,
  incarnation: 2,
  driver: 3,
  zone: 4,
  limit: 5,
  granted: 6,
  beat: 7,
  /** 0 = does not stand in line; 1 = in the stored line; 2 = among those this request has put there. */
  listed: 8,
  synced: 9,
} as const;

/** First byte of a stored task; `none` only in between. */
export const PHASE = { none: 0, queued: 1, delayed: 2, leased: 3 } as const;

const STORED = [
  ...(['epoch', 'owner', 'holdLeast', 'holdMost', 'lastAt', 'outage', 'heldSince', 'limits', 'canaryTurn'] as const),
  ...(['submitted', 'completed', 'failed', 'shed', 'leased', 'superseded', 'retried', 'expired'] as const),
  ...([
    'waits0',
    'waits1',
    'waits2',
    'waits3',
    'delayed',
    'waiting',
    'open',
    'oldestBeat',
    'logged',
    'forgotAt',
  ] as const),
] as const;
/** Of this request only: tasks that are ready, time during which the partition was there, events, tasks given out. */
const OF_REQUEST = ['ready', 'present', 'events', 'given'] as const;

type Name = (typeof STORED)[number] | (typeof OF_REQUEST)[number];

/** What there is one of, as the script names it: places in its table `S`. */
export const S = Object.fromEntries([...STORED, ...OF_REQUEST].map((name, i) => [name, `S[${i + 1}]`])) as Readonly<
  Record<Name, string>
>;

/** How many of them are stored, and what a partition begins with. */
export const MAIN = {
  stored: STORED.length,
  fresh: STORED.map((name) => (name === 'owner' || name === 'limits' ? "''" : '0')).join(', '),
  /** The line of priority 0 is counted at the place after this one. */
  beforeWaits: STORED.indexOf('waits0'),
} as const;

/** Most values handed to one command: Lua's stack takes 8,000. */
export const CHUNK = 4_000;
/** Finished tasks to a bitmap of 32 KiB. */
export const BLOCK = 65_536;
/** Most entries of a log that nobody trims: the reader trims what it has read. */
export const LOG_MOST = 200_000;

/** The rules as the script has them: text of Lua numbers. */
export type Constants = Readonly<Record<keyof ReturnType<typeof values> | 'backoff', string>>;

function values(rules: PartitionRules) {
  return {
    partitions: rules.partitions,
    bound: rules.bound,
    maxAttempts: rules.maxAttempts,
    leaseMs: rules.leaseMs,
    suspectMs: SUSPECT_BEATS * rules.beatMs,
    holdLeastMs: HOLD_BEATS.least * rules.beatMs,
    holdMostMs: HOLD_BEATS.most * rules.beatMs,
    holdEmptiedMs: HOLD_BEATS.emptied * rules.beatMs,
    outageMs: OUTAGE_MS,
    massShare: rules.massExpiryShare,
    driverKeptMs: DRIVER_MEMORY.keptMs,
    driverEveryMs: DRIVER_MEMORY.everyMs,
    completed: DONE.completed,
    failed: DONE.failed,
    queueFull: DONE.queue_full,
    expectedWait: DONE.expected_wait,
  };
}

/** @throws RangeError when a rule is not a number that a script can hold. */
export function constantsOf(rules: PartitionRules): Constants {
  const entries = Object.entries(values(rules)).map(([name, value]) => [name, luaNumber(name, value)]);
  return { ...(Object.fromEntries(entries) as Omit<Constants, 'backoff'>), backoff: backoffTable(rules) };
}

/** Waits after 1, 2, … attempts as a Lua table: computed here, since pow() differs between languages. */
function backoffTable(rules: PartitionRules): string {
  const attempts = Array.from({ length: Math.max(1, rules.maxAttempts - 1) }, (_, i) => i + 1);
  return `{${attempts.map((n) => luaNumber('backoff', backoffMs(n, rules))).join(', ')}}`;
}

function luaNumber(name: string, value: number): string {
  if (value === Infinity) return 'math.huge';
  if (!Number.isFinite(value)) throw new RangeError(`the queue's rule ${name} is ${value}: it must be a number`);
  return String(value);
}
