import { isAbsolute, relative } from 'node:path';

/** The command people type. */
export const COMMAND = './experiment.sh';

/** A folder or file as it is best written by somebody in `cwd`: relative where it lies below. */
export function shownPath(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' ? '.' : near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** A word that a shell takes as it is. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
