import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends a process and all it has started, directly or not, at once (SIGKILL), as the end of a container does. Where
 * there is no /proc only the process itself and its group.
 */
export function killWithDescendants(pid: number): void {
  // It must not start anything between the look and its end.
  send(pid, 'SIGSTOP');
  const descendants = descendantsOf(pid);
  send(-pid, 'SIGKILL');
  send(pid, 'SIGKILL');
  for (const descendant of descendants) send(descendant, 'SIGKILL');
}

function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  const look = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      look(child);
    }
  };
  look(pid);
  return found;
}

function parents(): Array<[pid: number, parent: number]> {
  try {
    return readdirSync('/proc').flatMap((name) => {
      const parent = /^\d+$/.test(name) ? parentOf(name) : null;
      return parent === null ? [] : [[Number(name), parent]];
    });
  } catch {
    return [];
  }
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; what follows it does not.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}
