import type {
  BeganOp,
  ExchangeReply,
  ExchangeRequest,
  FinishOp,
  HeldOp,
  LeaseRecord,
  ReleaseOp,
  TaskRecord,
} from './messages.js';

/*
 * Requests and answers as the script has them. Operations of one kind lie in one flat row, and indices, priorities and
 * types are strings: the script's time goes into making tables and turning numbers into text, and a driver does both
 * far cheaper.
 */

/** Values of an operation in its row. */
export const STRIDE = { submit: 7, began: 3, finish: 16, release: 2, held: 9, attach: 3, credit: 2, lease: 9 } as const;

/** Half a surrogate pair, as JSON.stringify writes it (what is left of cut text): cjson refuses the whole request. */
const LONE_SURROGATE = /(\\\\)|\\ud[89a-f][0-9a-f]{2}/g;

/** The request as the script takes it. Halves of characters become U+FFFD. */
export function encodeRequest(request: ExchangeRequest): string {
  const { results, attach, resync, submit, began, finish, release, credit } = request;
  const text = JSON.stringify({
    ...request,
    results: results && rowOfResults(results),
    attach: attach?.flat(),
    resync: resync?.map(([agent, incarnation, zone, free, held]) => [agent, incarnation, zone, free, rowOfHeld(held)]),
    submit: submit && rowOfSubmissions(submit),
    began: began && rowOfStarts(began),
    finish: finish && rowOfResults(finish),
    release: release && rowOfReleases(release),
    credit: credit?.flat(),
    states: request.states?.map(String),
  });
  if (!text.includes('\\ud')) return text;
  return text.replace(LONE_SURROGATE, (_match, escaped: string | undefined) => escaped ?? '\ufffd');
}

type Row = Array<string | number>;

function rowOfSubmissions(ops: NonNullable<ExchangeRequest['submit']>): Row {
  const row: Row = [];
  for (const [index, task, enqueuedAt, word] of ops) {
    row.push(String(index), enqueuedAt, word, String(task[0]), String(task[1]), task[2], task[3]);
  }
  return row;
}

function rowOfStarts(ops: readonly BeganOp[]): Row {
  const row: Row = [];
  for (const [index, attemptId, at] of ops) row.push(String(index), attemptId, at);
  return row;
}

function rowOfReleases(ops: readonly ReleaseOp[]): Row {
  const row: Row = [];
  for (const [index, attemptId] of ops) row.push(String(index), attemptId);
  return row;
}

function rowOfResults(ops: readonly FinishOp[]): Row {
  const row: Row = [];
  for (const op of ops) {
    const [index, attemptId, attempt, generation, agent, verdict, error, retryAfterMs, endedAt, startedAt, task] = op;
    row.push(String(index), attemptId, String(attempt), generation, agent, verdict, error, retryAfterMs, endedAt);
    row.push(startedAt, op[11], op[12] ?? '', String(task[0]), String(task[1]), task[2], task[3]);
  }
  return row;
}

function rowOfHeld(ops: readonly HeldOp[]): Row {
  const row: Row = [];
  for (const [index, attemptId, attempt, generation, task, startedAt] of ops) {
    row.push(String(index), attemptId, attempt, generation, startedAt);
    row.push(String(task[0]), String(task[1]), task[2], task[3]);
  }
  return row;
}

const NOTHING = {
  ...({ stale: 0, holding: 0, finished: '', counts: 0 } as const),
  ...{ submitted: [], unknown: [], replaced: [], granted: [], canaries: [], states: [] },
};

/**
 * The script's answer.
 * @throws Error when this is no answer of the script.
 */
export function decodeReply(text: unknown): ExchangeReply {
  if (typeof text !== 'string') throw new Error(`the partition's script answered with ${typeof text}, not with text`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error(`the partition's script answered with what is no JSON: ${text.slice(0, 200)}`, { cause });
  }
  if (!isWritten(parsed)) {
    throw new Error(`the partition's script gave an answer of another form: ${text.slice(0, 200)}`);
  }
  const { leases, pushes, revoked, unfinished, sweep } = parsed;
  return {
    ...NOTHING,
    ...parsed,
    leases: leases === undefined ? [] : leasesOf(leases),
    pushes: pushes?.map(([driver, given]) => [driver, leasesOf(given)] as const) ?? [],
    revoked: revoked?.map(([agent, index, attemptId]) => [agent, Number(index), attemptId] as const) ?? [],
    unfinished: unfinished?.map(unfinishedOf) ?? [],
    sweep: sweep === undefined ? 0 : { ...sweep, agents: sweep.agents ?? [] },
  };
}

/** What is empty is left out; leases lie in a row of strings. */
interface Written extends Pick<ExchangeReply, 'epoch' | 'now' | 'ready' | 'credit'> {
  readonly leases?: readonly string[];
  readonly pushes?: ReadonlyArray<readonly [driver: string, leases: readonly string[]]>;
  readonly revoked?: ReadonlyArray<readonly [agent: string, index: string, attemptId: string]>;
  readonly unfinished?: ReadonlyArray<readonly [string, number, 0 | 1, string, string, string, string]>;
  readonly sweep?: Omit<Exclude<ExchangeReply['sweep'], 0>, 'agents'> & { readonly agents?: readonly string[] };
}

const LISTS = [
  ...['submitted', 'leases', 'pushes', 'revoked', 'unknown', 'replaced', 'granted', 'canaries', 'states', 'unfinished'],
] as const;

/** Enough to notice another program's answer; the rest is our own script's word, which the tests compare. */
function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const reply = value as Readonly<Record<string, unknown>>;
  const numbers = ['epoch', 'ready', 'credit'].every((name) => typeof reply[name] === 'number');
  const lists = LISTS.every((name) => reply[name] === undefined || Array.isArray(reply[name]));
  return numbers && lists && typeof reply['now'] === 'string' && typeof (reply['finished'] ?? '') === 'string';
}

function leasesOf(row: readonly string[]): LeaseRecord[] {
  const leases: LeaseRecord[] = [];
  for (let i = 0; i < row.length; i += STRIDE.lease) {
    const at = (place: number): string => row[i + place] as string;
    const task = taskOf(at(5), at(6), at(7), at(8));
    leases.push([at(0), Number(at(1)), at(2), Number(at(3)), Number(at(4)), task]);
  }
  return leases;
}

function unfinishedOf(row: NonNullable<Written['unfinished']>[number]): ExchangeReply['unfinished'][number] {
  const [index, attempts, started, priority, type, scheduledAt, payload] = row;
  return [Number(index), attempts, started, taskOf(priority, type, scheduledAt, payload)];
}

const taskOf = (priority: string, type: string, scheduledAt: string, payload: string): TaskRecord => [
  ...([Number(priority), Number(type), scheduledAt, payload] as const),
];
