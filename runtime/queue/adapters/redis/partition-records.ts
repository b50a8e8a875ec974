import type { TaskState } from '../../protocol.js';
import type { ExchangeRequest, TaskRecord } from './messages.js';

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

/** What comes up while a request is carried out. */
export interface Context {
  readonly request: ExchangeRequest;
  readonly nowMs: number;
  readonly revoked: Array<[string, number, string]>;
  readonly unknown: string[];
  readonly replaced: string[];
  readonly granted: Array<[string, number]>;
}

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
