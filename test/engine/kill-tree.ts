import { execFileSync } from 'node:child_process';

/**
 * Kills a process and everything it started, at once, so that none of them does anything on hearing of another's end.
 * The engine puts its plugins into process groups of their own: a signal to its group would leave them running.
 */
export function killTree(root: number | undefined): void {
  if (root === undefined) return;
  const stopped = new Set<number>();
  // What is stopped starts nothing more; what was started meanwhile is found the next time.
  for (let found = [root]; found.length > 0; found = descendants(root).filter((pid) => !stopped.has(pid))) {
    for (const pid of found) {
      signal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
  }
  for (const pid of stopped) signal(pid, 'SIGKILL');
}

function descendants(root: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const parents = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const known of tree) tree.push(...parents.flatMap(([pid, parent]) => (parent === known && pid ? [pid] : [])));
  return tree.slice(1);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
