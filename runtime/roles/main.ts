import { RealClock } from '../kernel/real-clock.js';
import type { Role } from './role.js';
import { runRole } from './run-role.js';

/** Runs a role as the whole of this process; how the bundles of the roles begin. */
export function runAsProcess(name: string, role: Role): void {
  // A reader that goes away ends nothing: what is written then is dropped.
  process.stdout.on('error', () => undefined);
  runRole(name, () => Promise.resolve(role), {
    env: process.env,
    args: process.argv.slice(2),
    pid: process.pid,
    clock: new RealClock(),
    stdout: process.stdout,
    onSignal: (listener) => listen(['SIGTERM', 'SIGINT'], listener),
    onParentGone,
    onCrash: (listener) => listen(['uncaughtException', 'unhandledRejection'], listener),
  }).then(leave, leave.bind(null, 1));
}

function listen(events: readonly string[], listener: (told: string & Error) => void): () => void {
  for (const event of events) process.on(event, listener);
  return () => {
    for (const event of events) process.off(event, listener);
  };
}

/** Reads standard input, which says nothing, to its end. */
export function onParentGone(listener: () => void): () => void {
  const { stdin } = process;
  stdin.on('end', listener);
  stdin.on('error', listener);
  stdin.resume();
  return () => {
    stdin.off('end', listener);
    stdin.off('error', listener);
    stdin.destroy();
  };
}

/** Whatever is still open then (sockets, timers) ends with the process. */
function leave(exitCode: number): void {
  process.stdout.write('', () => process.exit(exitCode));
}
