import { readFileSync } from 'node:fs';

/**
 * Is this still the process that was started with these variables? Numbers of processes are used again: one that has
 * ended may be somebody else's by now. False also when nobody can say.
 */
export function isStartedWith(pid: number, variables: Readonly<Record<string, string>>): boolean {
  try {
    const environment = new Set(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
    return Object.entries(variables).every(([name, value]) => environment.has(`${name}=${value}`));
  } catch {
    return false;
  }
}
