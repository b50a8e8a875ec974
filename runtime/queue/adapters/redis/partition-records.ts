import type { TaskState } from '../../protocol.js';
import type { LedgerCounts, TaskPhase } from '../../port.js';
import { rowOfLeases } from './exchange-wire.js';
import type { ExchangeReply, ExchangeRequest, LeaseRecord, TaskRecord } from './messages.js';
import { DONE, type DoneCode } from './partition-rules.js';

/** A task that is not finished. */
export interface TaskEntry {
  state: TaskState;
  /** Times it has been given out, releases included: tells a rolled-back state from a superseded attempt. */
  generation: number;
  readonly task: TaskRecord;
  agent: string;
  /** When the attempt under way began; '' while it has not. */
  startedAt: string;
  everStarted: boolean;
}

export interface AgentEntry {
  incarnation: number;
  driver: string;
  zone: string;
  limit: number;
  granted: number;
  /** Last sign of life, in time during which the partition was there. */
  beat: number;
  /** Stands in the line of those that wait for tasks. */
  listed: boolean;
  /** Epoch in which it has told where it stands. */
  synced: number;
}

/** What a driver's latest request was. */
export interface DriverEntry {
  readonly seq: number;
  readonly finished: string;
  readonly at: number;
}

/** What comes up while a request is carried out. */
export interface Context {
  readonly request: ExchangeRequest;
  readonly nowMs: number;
  readonly revoked: Array<[string, number, string]>;
  readonly unknown: string[];
  readonly replaced: string[];
  readonly granted: Array<[string, number]>;
}

/** What a request has given out, to an agent of which driver. */
export interface GivenLease {
  readonly driver: string;
  readonly lease: LeaseRecord;
}

type Counters = Omit<LedgerCounts, 'queued'>;

export const newCounters = (): { -readonly [K in keyof Counters]: number } => ({
  ...{ submitted: 0, completed: 0, failed: 0, shed: 0, leased: 0 },
  ...{ superseded: 0, retried: 0, expired: 0 },
});

export function fresh(task: TaskRecord): TaskEntry {
  return {
    state: { phase: 'queued', attempts: 0 },
    generation: 0,
    task,
    agent: '',
    startedAt: '',
    everStarted: false,
  };
}

/** A task as the log tells it; its payload stays in the partition. */
export const told = ([priority, type, scheduledAt]: TaskRecord): string[] => [
  String(priority),
  String(type),
  scheduledAt,
];

export const ascending = <V>(map: ReadonlyMap<number, V>): Array<[number, V]> => [...map].sort((a, b) => a[0] - b[0]);

export const byName = <V>(map: ReadonlyMap<string, V>): Array<[string, V]> =>
  [...map].sort((a, b) => (a[0] < b[0] ? -1 : Number(a[0] > b[0])));

/** What was given to agents of the driver that asked, and for the other drivers as text. */
export function byDriver(
  given: readonly GivenLease[],
  own: string,
): { own: LeaseRecord[]; pushes: ExchangeReply['pushes'] } {
  const rows = new Map<string, LeaseRecord[]>([[own, []]]);
  for (const { driver, lease } of given) rows.set(driver, [...(rows.get(driver) ?? []), lease]);
  const [[, first] = ['', []], ...others] = [...rows];
  return { own: first, pushes: others.map(([driver, leases]) => [driver, JSON.stringify(rowOfLeases(leases))]) };
}

export function phaseOf(entry: TaskEntry | undefined, done: DoneCode | undefined): TaskPhase | '' {
  if (entry !== undefined) return entry.state.phase;
  if (done === undefined) return '';
  if (done === DONE.completed) return 'completed';
  return done === DONE.failed ? 'failed' : 'shed';
}

export const unfinishedOf = (tasks: ReadonlyMap<number, TaskEntry>): ExchangeReply['unfinished'] =>
  ascending(tasks).map(([index, { state, everStarted, task }]) => [
    index,
    state.attempts - (state.phase === 'leased' ? 1 : 0),
    everStarted ? 1 : 0,
    task,
  ]);

/** Forgets drivers whose latest request came before. */
export function forgetSilent(drivers: Map<string, DriverEntry>, before: number): void {
  for (const [driver, { at }] of drivers) if (at < before) drivers.delete(driver);
}

/** Takes what is next out of the lines of priorities 0 to 3. @throws Error when nothing is ready. */
export function firstOf(lines: readonly number[][]): number {
  const line = lines.find((each) => each.length > 0);
  if (line === undefined) throw new Error('a task must be ready');
  return line.shift() as number;
}

export function takeFrom(line: number[], index: number): void {
  const at = line.indexOf(index);
  if (at >= 0) line.splice(at, 1);
}
