/** Two or more options that cannot hold together. */
export interface Contradiction {
  /** Where it is best put right. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  /** The other paths it rests on. */
  readonly related: readonly string[];
}

/** Takes note of a contradiction. */
export type Report = (path: string, message: string, hint?: string, related?: readonly string[]) => void;
