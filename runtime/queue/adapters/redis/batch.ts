import type { Deferred } from '../../../kernel/clock.js';
import type { AdmissionLimits, FinishOutcome, LedgerCounts, ShedReason, TaskPhase } from '../../port.js';
import type {
  AttachOp,
  BeganOp,
  DoneOp,
  ExchangeReply,
  FinishOp,
  ReleaseOp,
  ResyncOp,
  SubmitOp,
  SweepReply,
} from './messages.js';
import type { DriverRequest } from './store.js';

export interface Finish {
  readonly op: FinishOp;
  readonly answer: Deferred<FinishOutcome>;
  /** The partition does not know the lease: it is told all about it. */
  readonly whole: boolean;
}

/** What a driver wants of a partition with its next request. */
export interface Batch {
  readonly results: FinishOp[];
  readonly attach: AttachOp[];
  /** Made when the request is sent: until then an agent's view goes on changing. */
  readonly resync: Array<() => ResyncOp | null>;
  readonly submit: Array<{ readonly op: SubmitOp; readonly answer: Deferred<ShedReason | ''> }>;
  /** By attempt: one that ends with the same request need not be said to have begun. */
  readonly began: Map<string, BeganOp>;
  readonly finish: Finish[];
  readonly release: Array<{ readonly op: ReleaseOp; readonly done: () => void }>;
  readonly detach: Array<{ readonly agent: string; readonly done: () => void }>;
  /** Agents whose limit has changed; its value is read when the request is sent. */
  readonly credit: Map<string, () => number>;
  readonly beat: Set<string>;
  readonly sweep: Array<Deferred<SweepReply>>;
  admission: AdmissionLimits | 0 | undefined;
  readonly canaries: Array<(driver: string, agent: string) => void>;
  readonly counts: Array<Deferred<LedgerCounts>>;
  readonly states: Array<{ readonly index: number; readonly answer: Deferred<TaskPhase | null> }>;
  readonly unfinished: Array<Deferred<ExchangeReply['unfinished']>>;
  /** By agent, the rank of its latest operation: see {@link RANK}. */
  readonly ranks: Map<string, number>;
  size: number;
}

/** The order in which a partition carries out the operations of one request. */
export const RANK = { attach: 0, resync: 1, began: 2, finish: 3, release: 4, detach: 5, credit: 6 } as const;

export function emptyBatch(): Batch {
  return {
    ...{ results: [], attach: [], resync: [], submit: [], began: new Map(), finish: [], release: [], detach: [] },
    ...{ credit: new Map(), beat: new Set(), sweep: [], admission: undefined, canaries: [] },
    ...{ counts: [], states: [], unfinished: [], ranks: new Map(), size: 0 },
  };
}

/**
 * The request that carries a batch; what is read late is read now. An agent that resynchronises says there how many
 * tasks it can take: what a partition has given so far is counted anew.
 */
export function requestOf(
  batch: Batch,
  head: Pick<DriverRequest, 'driver' | 'seq' | 'nonce' | 'epoch' | 'known'>,
): DriverRequest {
  const resync = batch.resync.map((view) => view()).filter((op) => op !== null);
  const resynced = new Set(resync.map(([agent]) => agent));
  const done = batch.finish.filter(isShort);
  const finish = batch.finish.filter((each) => !isShort(each));
  const credit = [...batch.credit].filter(([agent]) => !resynced.has(agent));
  return {
    ...head,
    ...(batch.results.length > 0 && { results: batch.results }),
    ...(batch.attach.length > 0 && { attach: batch.attach }),
    ...(resync.length > 0 && { resync }),
    ...(batch.submit.length > 0 && { submit: batch.submit.map(({ op }) => op) }),
    ...(batch.began.size > 0 && { began: [...batch.began.values()] }),
    ...(done.length > 0 && { done: done.map(shortened) }),
    ...(finish.length > 0 && { finish: finish.map(({ op }) => op) }),
    ...(batch.release.length > 0 && { release: batch.release.map(({ op }) => op) }),
    ...(batch.detach.length > 0 && { detach: batch.detach.map(({ agent }) => agent) }),
    ...(credit.length > 0 && { credit: credit.map(([agent, limit]) => [agent, limit()] as const) }),
    ...(batch.beat.size > 0 && { beat: [...batch.beat] }),
    ...(batch.sweep.length > 0 && { sweep: 1 as const }),
    ...(batch.admission !== undefined && { admission: batch.admission }),
    ...(batch.canaries.length > 0 && { canaries: batch.canaries.length }),
    ...(batch.counts.length > 0 && { counts: 1 as const }),
    ...(batch.states.length > 0 && { states: batch.states.map(({ index }) => index) }),
    ...(batch.unfinished.length > 0 && { unfinished: 1 as const }),
  };
}

/** The request with what a partition has to be told first that may have lost it: another server owns it now. */
export function retold(
  request: DriverRequest,
  results: readonly FinishOp[],
  resync: readonly ResyncOp[],
): DriverRequest {
  if (results.length === 0 && resync.length === 0) return request;
  const anew = new Set(resync.map(([agent]) => agent));
  const others = request.resync?.filter(([agent]) => !anew.has(agent)) ?? [];
  const credit = request.credit?.filter(([agent]) => !anew.has(agent));
  return {
    ...request,
    ...(results.length > 0 && { results: [...results, ...(request.results ?? [])] }),
    ...(resync.length > 0 && { resync: [...others, ...resync] }),
    ...(credit !== undefined && { credit }),
  };
}

/** A plain success is told in four words. */
const isShort = ({ op, whole }: Finish): boolean => !whole && op[5] === 1 && (op[12] ?? '') === '';

const shortened = ({ op }: Finish): DoneOp => [op[0], op[1], op[9], op[8]];

/** What changes the ledger must be on a replica before it counts; signs of life and questions need not. */
export function isTransition(request: DriverRequest): boolean {
  const { results, attach, resync, submit, done, finish, release, detach, credit, admission } = request;
  return [results, attach, resync, submit, done, finish, release, detach, credit, admission].some(
    (part) => part !== undefined,
  );
}

/** Whether a request that was taken for harmless has moved a task after all. */
export function movedTasks({ leases, pushes, sweep }: ExchangeReply): boolean {
  return leases.length > 0 || pushes.length > 0 || (sweep !== 0 && (sweep.tasks > 0 || sweep.retries > 0));
}

/**
 * What two executions of a request by one server answer together: the second knows nothing of what the first has
 * given out.
 */
export function together(first: ExchangeReply, second: ExchangeReply, resynced: boolean): ExchangeReply {
  const { sweep } = second;
  return {
    ...second,
    // A resynchronisation hands out again all that counts; what the first had given may be somebody else's by now.
    leases: resynced ? second.leases : [...first.leases, ...second.leases],
    pushes: [...first.pushes, ...second.pushes],
    revoked: [...first.revoked, ...second.revoked],
    sweep: first.sweep === 0 || sweep === 0 ? sweep : sumOf(first.sweep, sweep),
  };
}

const sumOf = (first: SweepReply, second: SweepReply): SweepReply => ({
  ...second,
  agents: [...first.agents, ...second.agents],
  tasks: first.tasks + second.tasks,
  retries: first.retries + second.retries,
});

const OUTCOMES: Readonly<Record<string, FinishOutcome>> = {
  c: 'counted',
  r: 'retried',
  d: 'dead',
  s: 'superseded',
};

/** Settles what a batch was waiting for. `tellWhole`: of a result that the partition does not know. */
export function answer(batch: Batch, reply: ExchangeReply, tellWhole: (finish: Finish) => void): void {
  batch.submit.forEach((each, i) => {
    each.answer.resolve((reply.submitted[i] ?? '') as ShedReason | '');
  });
  const inOrder = [...batch.finish.filter(isShort), ...batch.finish.filter((each) => !isShort(each))];
  inOrder.forEach((each, i) => {
    const letter = reply.finished[i] ?? 's';
    if (letter === 'u') tellWhole({ ...each, whole: true });
    else each.answer.resolve(OUTCOMES[letter] ?? 'superseded');
  });
  for (const { done } of batch.release) done();
  for (const { done } of batch.detach) done();
  for (const deferred of batch.sweep) if (reply.sweep !== 0) deferred.resolve(reply.sweep);
  for (const deferred of batch.counts) if (reply.counts !== 0) deferred.resolve(reply.counts);
  batch.states.forEach((each, i) => {
    const phase = reply.states[i] ?? '';
    each.answer.resolve(phase === '' ? null : phase);
  });
  for (const deferred of batch.unfinished) deferred.resolve(reply.unfinished);
  batch.canaries.forEach((send, i) => {
    const target = reply.canaries[i];
    if (target !== undefined) send(...target);
  });
}

/** Nobody waits any longer: the queue was closed. */
export function giveUp(batch: Batch, error: unknown): void {
  for (const each of [...batch.submit, ...batch.finish, ...batch.states]) each.answer.reject(error);
  for (const each of [...batch.sweep, ...batch.counts, ...batch.unfinished]) each.reject(error);
  for (const { done } of [...batch.release, ...batch.detach]) done();
}
