import fc from 'fast-check';
import type {
  BeganOp,
  DoneOp,
  ExchangeReply,
  ExchangeRequest,
  FinishOp,
  HeldOp,
  LeaseRecord,
  ReleaseOp,
  ResyncOp,
  SubmitWord,
  TaskRecord,
} from '../../../runtime/queue/adapters/redis/messages.js';
import { leasesOf } from '../../../runtime/queue/adapters/redis/exchange.js';
import type { AdmissionLimits } from '../../../runtime/queue/port.js';

const DRIVERS = ['driver-a', 'driver-b', 'driver-c'];
/** In another order by a locale than by their bytes. */
const AGENTS = ['agent-1', 'agent-10', 'Agent-2', 'agent_3', 'b', 'é'];
const PAYLOADS = ['', '{"issue":270}', 'two\nlines "quoted" \\ud800', '日本語 🚀', 'nul\u0000byte'];
const USAGES = ['', '1200,300,0.0123'];

/** Mostly what a driver says of a task it offers for the first time. */
const WORDS: readonly SubmitWord[] = [1, 1, 1, 1, 1, 0, 0, 2, 3, 4, 5];

/** Where the indices of one partition come from: many near each other, some in other blocks of the bitmaps. */
const PLACES = [...Array.from({ length: 28 }, (_, i) => i), 65_534, 65_535, 65_536, 200_001];

const LIMITS: readonly AdmissionLimits[] = [
  { drainPerMs: 0.02, arrivalsPerMs: [0.001, 0.003, 0.004, 0.002], maxWaitMs: [150, 120, 100, 50] },
  { drainPerMs: 0.001, arrivalsPerMs: [0.002, 0.002, 0.001, 0], maxWaitMs: [4000, 2000, 1000, 500] },
];

const KINDS = {
  ...{
    results: 2,
    attach: 3,
    resync: 3,
    submit: 9,
    began: 3,
    done: 6,
    finish: 5,
    release: 2,
    detach: 1,
    credit: 8,
    revoke: 1,
    beat: 5,
  },
  ...{ sweep: 4, admission: 1, canaries: 1, counts: 1, states: 2, unfinished: 1 },
} as const;
type Kind = keyof typeof KINDS;

/** An operation as drawn: numbers that {@link RequestMaker} turns into one that fits what has happened so far. */
interface DrawnOperation {
  readonly kind: Kind;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** A request as drawn. */
export interface Draw {
  readonly driver: number;
  readonly number: 'next' | 'repeated' | 'same number' | 'stale';
  readonly afterMs: number;
  readonly owner: 'same' | 'new';
  /** Epochs the driver has seen that the partition has not. */
  readonly ahead: number;
  readonly known: 'owner' | 'another' | 'none';
  readonly operations: readonly DrawnOperation[];
}

const die = fc.nat(2 ** 16 - 1);

const drawnOperation: fc.Arbitrary<DrawnOperation> = fc.record({
  kind: fc.oneof(...Object.entries(KINDS).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind as Kind) }))),
  ...{ a: die, b: die, c: die },
});

const weighted = <T>(...choices: ReadonlyArray<readonly [weight: number, value: T]>): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

export const draw: fc.Arbitrary<Draw> = fc.record({
  driver: weighted([6, 0], [2, 1], [1, 2]),
  number: weighted<Draw['number']>([16, 'next'], [2, 'repeated'], [1, 'same number'], [1, 'stale']),
  // Redis' clock may also be set back.
  afterMs: weighted(
    [8, 0],
    [10, 10],
    [8, 50],
    [6, 120],
    [3, 250],
    [3, 900],
    [1, 1_000],
    [1, 1_001],
    [2, 2_500],
    [1, 10_000],
    [1, -30],
  ),
  owner: weighted<Draw['owner']>([24, 'same'], [1, 'new']),
  ahead: weighted([20, 0], [1, 1], [1, -1]),
  known: weighted<Draw['known']>([12, 'owner'], [1, 'another'], [1, 'none']),
  operations: fc.array(drawnOperation, { minLength: 0, maxLength: 10, size: 'max' }),
});

/**
 * Makes requests from draws: with indices that were submitted before or not, and attempts that are under way, are over
 * or never were.
 */
export class RequestMaker {
  private readonly seqs = new Map<string, number>();
  private readonly latest = new Map<string, ExchangeRequest>();
  private readonly leases: LeaseRecord[] = [];
  private owner = 1;
  private nonces = 0;
  private epoch = 0;

  constructor(private readonly partitions: number) {}

  /** All indices there can be. */
  get indices(): number[] {
    return PLACES.map((place) => this.indexAt(place));
  }

  make({ driver: which, number, owner, ahead, known: told, operations }: Draw): ExchangeRequest {
    const driver = DRIVERS[which] as string;
    const seq = this.seqs.get(driver) ?? 0;
    if (owner === 'new') this.owner += 1;
    this.nonces += 1;
    const known = { owner: `run-${this.owner}`, another: `run-${this.owner - 1}`, none: '' }[told];
    const epoch = Math.max(0, this.epoch + ahead);
    const head = { known, driver, nonce: `n${this.nonces}`, owner: `run-${this.owner}`, epoch };
    const before = this.latest.get(driver);
    if (number === 'repeated' && before !== undefined) return { ...before, ...head };
    const body = this.body(operations);
    if (number === 'stale' && seq > 1) return { ...head, seq: seq - 1, ...body };
    const request = { ...head, seq: number === 'same number' && seq > 0 ? seq : seq + 1, ...body };
    this.seqs.set(driver, request.seq);
    this.latest.set(driver, request);
    return request;
  }

  /** Takes note of what was given out. */
  learn({ epoch, leases, pushes }: ExchangeReply): void {
    this.epoch = epoch;
    this.leases.push(...leases, ...pushes.flatMap(([, text]) => leasesOf(JSON.parse(text))));
  }

  private body(operations: readonly DrawnOperation[]): Partial<ExchangeRequest> {
    const of = <T>(kind: Kind, make: (draw: DrawnOperation) => T): T[] | undefined => {
      const drawn = operations.filter((operation) => operation.kind === kind);
      return drawn.length === 0 ? undefined : drawn.map(make);
    };
    const once = (kind: Kind): DrawnOperation | undefined => operations.find((operation) => operation.kind === kind);
    const body = {
      // One draw stands for several agents, and below for several tasks: so they become many.
      attach: of('attach', ({ a, b, c }) =>
        Array.from({ length: 1 + (c % 6) }, (_, i) => [agent(a + i), 1 + (b % 3), zone(a)] as const),
      )?.flat(),
      results: of('results', (drawn) => this.result(drawn)),
      resync: of('resync', (drawn) => this.resync(drawn)),
      submit: of('submit', ({ a, b, c }) =>
        Array.from({ length: 1 + (c % 4) }, (_, i) => {
          const index = this.index(a + i);
          return [index, this.task(index, b), `${index + 5}.125`, WORDS[b % WORDS.length] as SubmitWord] as const;
        }),
      )?.flat(),
      began: of('began', ({ a, b }): BeganOp => [...this.attempt(a, b), `${a}.5`]),
      done: of('done', ({ a, b, c }): DoneOp => [...this.attempt(a, b), c % 3 === 0 ? '' : `${a}.5`, `${b}.25`]),
      finish: of('finish', (drawn) => this.result(drawn)),
      release: of('release', ({ a, b }): ReleaseOp => this.attempt(a, b)),
      detach: of('detach', ({ a }) => agent(a)),
      credit: of('credit', ({ a, b }) => [agent(a), b % 9] as const),
      revoke: of('revoke', ({ a }) => agent(a)),
      beat: of('beat', ({ a }) => agent(a)),
      sweep: once('sweep') && (1 as const),
      admission: of('admission', ({ a }) => LIMITS[a % 3] ?? (0 as const))?.[0],
      canaries: of('canaries', ({ a }) => a % 4)?.[0],
      counts: once('counts') && (1 as const),
      states: of('states', ({ a }) => this.index(a)),
      unfinished: once('unfinished') && (1 as const),
    };
    return Object.fromEntries(Object.entries(body).filter(([, part]) => part !== undefined));
  }

  private indexAt(place: number): number {
    return place * this.partitions + Math.floor(this.partitions / 2);
  }

  private index(n: number): number {
    return this.indexAt(PLACES[n % PLACES.length] as number);
  }

  private task(index: number, n: number): TaskRecord {
    const payload = PAYLOADS[n % PAYLOADS.length] as string;
    return [index % 4, index % 5, `${1_700_000_000_000 + index}.0625`, payload];
  }

  /** Mostly one that was given out lately. */
  private lease(a: number, b: number): LeaseRecord {
    const lately = this.leases.slice(b % 4 === 0 ? 0 : -6);
    const lease = lately[a % lately.length];
    if (lease !== undefined && b % 8 !== 7) return lease;
    // Given out by a server that was lost.
    const index = this.index(a);
    return [agent(b), index, `lost.${a % 5}`, 1 + (b % 3), 1 + (a % 4), this.task(index, b)];
  }

  private attempt(a: number, b: number): readonly [index: number, attemptId: string] {
    const [, index, attemptId] = this.lease(a, b);
    return [index, b % 16 === 1 ? `${attemptId}x` : attemptId];
  }

  private result({ a, b, c }: DrawnOperation): FinishOp {
    const [holder, index, attemptId, attempt, generation, task] = this.lease(a, b);
    const verdict = ([1, 1, 1, 0, 0, 2, 3] as const)[c % 7] as FinishOp[5];
    return [
      ...([index, b % 16 === 1 ? `${attemptId}x` : attemptId, attempt, generation, holder, verdict] as const),
      ...([verdict === 1 ? '' : 'executor_failed', [0, 20, 160, 5_000][c % 4] as number, `${b}.25`] as const),
      ...([c % 3 === 0 ? '' : `${b}.125`, task, c % 2 === 0 ? 1 : 0] as const),
      ...(c % 5 === 0 ? ([] as const) : ([USAGES[c % 2] as string] as const)),
    ];
  }

  private resync({ a, b, c }: DrawnOperation): ResyncOp {
    const id = agent(a);
    const own = this.leases.filter(([holder]) => holder === id).slice(-4);
    const held = own.filter((_lease, i) => (b >> i) % 2 === 0).map((lease): HeldOp => heldOf(lease, c));
    if (c % 3 === 0) held.push(heldOf(this.lease(b, c), a));
    return [id, 1 + (b % 3), zone(a), c % 5, held];
  }
}

const agent = (n: number): string => AGENTS[n % AGENTS.length] as string;
const zone = (n: number): string => `zone-${n % 2}`;

function heldOf([, index, attemptId, attempt, generation, task]: LeaseRecord, n: number): HeldOp {
  const told = generation + ([0, 0, 0, 1, -1][n % 5] as number);
  return [index, attemptId, attempt, told, task, n % 2 === 0 ? '' : `${n}.75`];
}
