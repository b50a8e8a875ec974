import { ExperimentError } from '../kernel/errors.js';
import type { RunState } from '../observe/events.js';

/** From where to where a run may go. `stopped` and `aborted` are the end. */
const ALLOWED: Readonly<Record<RunState, readonly RunState[]>> = {
  created: ['running', 'stopped', 'aborted'],
  running: ['paused', 'draining', 'stopped', 'aborted'],
  paused: ['running', 'draining', 'stopped', 'aborted'],
  draining: ['stopped', 'aborted'],
  stopped: [],
  aborted: [],
};

export function isOver(state: RunState): boolean {
  return ALLOWED[state].length === 0;
}

export function mayGo(from: RunState, to: RunState): boolean {
  return ALLOWED[from].includes(to);
}

/** Two commands lead to `running`, each from one state only: a paused run is resumed, not started again. */
const ONLY_FROM: Readonly<Partial<Record<string, readonly RunState[]>>> = { start: ['created'], resume: ['paused'] };

/** What an operator did in the wrong state, told with the states in which it is possible. */
export function wrongState(command: string, from: RunState, to: RunState): ExperimentError {
  const possible = ONLY_FROM[command] ?? (Object.keys(ALLOWED) as RunState[]).filter((state) => mayGo(state, to));
  return new ExperimentError('WRONG_STATE', `cannot ${command}: the run is ${from}`, [
    { path: command, value: from, message: `possible while the run is ${possible.join(' or ')}` },
  ]);
}
