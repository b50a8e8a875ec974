import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where paths in a stack's config begin. */
export interface Places {
  /** Folder of the stack's file: what a relative path there is relative to. */
  readonly project: string;
  /** The user's own folder, for `~/`. */
  readonly home: string;
}

/** The folder with Pulumi.yaml, from where Pulumi starts the program: its `main` is further down. */
export function projectFolder(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'Pulumi.yaml'))) return folder;
  return from;
}

/**
 * A path of a stack's config, whole: the program runs in a folder of its own and the providers in others, and a path
 * as it was written would mean something else to each. Addresses (`https://…`) and null stay what they are.
 */
export function wholePath<T extends string | null>(path: T, places: Places): T | string {
  if (path === null || /^[a-z]+:\/\//.test(path)) return path;
  return path.startsWith('~/') ? join(places.home, path.slice(2)) : resolve(places.project, path);
}
