import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { MARKER } from './process-trees.js';

/**
 * Waits for its standard input to end, which it does when we do, however we die; then kills every process that carries
 * a mark beginning with the first argument. Several rounds: who is found may fork while it is being killed.
 */
const SCRIPT = `
while read -r line; do :; done
for round in 1 2 3; do
  for file in $(grep -ls "${MARKER}=$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null
  done
  sleep 0.1
done`;

/**
 * Ends commands whose agent is gone without a word (kill -9): they run in sessions of their own and would work on for
 * nobody, beside the attempt that has taken their place. Linux only; elsewhere they run until they end by themselves.
 *
 * @param markPrefix what the marks of all commands of this process begin with.
 * @returns how to end the guard; what still carries a mark then is killed.
 */
export function guardOrphans(markPrefix: string, onError: (error: unknown) => void): () => void {
  const guard = spawn('/bin/sh', ['-c', SCRIPT, 'orphan-guard', markPrefix], {
    // Out of our group: a signal to all of it must not take the guard along.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  });
  guard.on('error', onError);
  guard.stdin.on('error', () => undefined);
  // It waits for our end; we do not wait for its.
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return () => {
    guard.stdin.end();
  };
}
