import type {
  BeganOp,
  DoneOp,
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
export const STRIDE = {
  submit: 7,
  began: 3,
  done: 4,
  finish: 16,
  release: 2,
  held: 9,
  attach: 3,
  credit: 2,
  lease: 9,
} as const;

/** Half a surrogate pair, as JSON.stringify writes it (what is left of cut text): cjson refuses the whole request. */
const LONE_SURROGATE = /(\\\\)|\\ud[89a-f][0-9a-f]{2}/g;

/** The request as the script takes it. Halves of characters become U+FFFD. */
export function encodeRequest(request: ExchangeRequest): string {
  const { results, attach, resync, submit, began, done, finish, release, credit } = request;
  const text = JSON.stringify({
    ...request,
    results: results && rowOfResults(results),
    attach: attach?.flat(),
    resync: resync?.map(([agent, incarnation, zone, free, held]) => [agent, incarnation, zone, free, rowOfHeld(held)]),
    submit: submit && rowOfSubmissions(submit),
    began: began && rowOfStarts(began),
    done: done && rowOfSuccesses(done),
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

function rowOfSuccesses(ops: readonly DoneOp[]): Row {
  const row: Row = [];
  for (const [index, attemptId, startedAt, endedAt] of ops) row.push(String(index), attemptId, startedAt, endedAt);
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
 * The script's answer: the head as JSON, and behind it, in turn, a driver and the text of its leases.
 * @param driver whose own leases are read.
 * @throws Error when this is no answer of the script.
 */
export function decodeReply(parts: unknown, driver: string): ExchangeReply {
  if (!isTexts(parts)) throw new Error(`the partition's script answered with ${typeof parts}, not with rows of text`);
  const [head = '', ...rest] = parts;
  let parsed: unknown;
  try {
    parsed = JSON.parse(head);
  } catch (cause) {
    throw new Error(`the partition's script answered with what is no JSON: ${head.slice(0, 200)}`, { cause });
  }
  if (!isWritten(parsed)) {
    throw new Error(`the partition's script gave an answer of another form: ${head.slice(0, 200)}`);
  }
  let leases: readonly LeaseRecord[] = [];
  const pushes: Array<readonly [string, string]> = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const [to, text] = [rest[i] as string, rest[i + 1] as string];
    if (to === driver) leases = leasesOf(JSON.parse(text));
    else pushes.push([to, text]);
  }
  const { revoked, unfinished, sweep } = parsed;
  return {
    ...NOTHING,
    ...parsed,
    leases,
    pushes,
    revoked: revoked?.map(([agent, index, attemptId]) => [agent, Number(index), attemptId] as const) ?? [],
    unfinished: unfinished?.map(unfinishedOf) ?? [],
    sweep: sweep === undefined ? 0 : { ...sweep, agents: sweep.agents ?? [] },
  };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length % 2 === 1 && value.every((part) => typeof part === 'string');

/** What is empty is left out. */
interface Written extends Pick<ExchangeReply, 'epoch' | 'now' | 'ready' | 'credit'> {
  readonly revoked?: ReadonlyArray<readonly [agent: string, index: string, attemptId: string]>;
  readonly unfinished?: ReadonlyArray<readonly [string, number, 0 | 1, string, string, string, string]>;
  readonly sweep?: Omit<Exclude<ExchangeReply['sweep'], 0>, 'agents'> & { readonly agents?: readonly string[] };
}

const LISTS = [
  ...['submitted', 'revoked', 'unknown', 'replaced', 'granted', 'canaries', 'states', 'unfinished'],
] as const;

/** Enough to notice another program's answer; the rest is our own script's word, which the tests compare. */
function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const reply = value as Readonly<Record<string, unknown>>;
  const numbers = ['epoch', 'ready', 'credit'].every((name) => typeof reply[name] === 'number');
  const lists = LISTS.every((name) => reply[name] === undefined || Array.isArray(reply[name]));
  return numbers && lists && typeof reply['now'] === 'string' && typeof (reply['finished'] ?? '') === 'string';
}

/** Leases as they travel: a flat row of text, so that whoever passes them on need not look at them. */
export function rowOfLeases(leases: readonly LeaseRecord[]): string[] {
  const row: string[] = [];
  for (const [agent, index, attemptId, attempt, generation, [priority, type, scheduledAt, payload]] of leases) {
    row.push(agent, String(index), attemptId, String(attempt), String(generation));
    row.push(String(priority), String(type), scheduledAt, payload);
  }
  return row;
}

/**
 * Reads such a row.
 * @throws Error when it is none.
 */
export function leasesOf(row: unknown): LeaseRecord[] {
  if (!Array.isArray(row) || row.length % STRIDE.lease !== 0 || !row.every((value) => typeof value === 'string')) {
    throw new Error(`leases must be a row of ${STRIDE.lease} texts each: ${JSON.stringify(row).slice(0, 200)}`);
  }
  const texts = row as readonly string[];
  const leases: LeaseRecord[] = [];
  for (let i = 0; i < texts.length; i += STRIDE.lease) {
    const at = (place: number): string => texts[i + place] as string;
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
