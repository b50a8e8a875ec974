import flags from './node-flags.json';

/**
 * What Node is told on the command line when it runs a role; it cannot be told later. An agent mostly waits: without
 * V8's helper threads and its collections in idle time agents use half the processor time (0.083 against 0.176 cores
 * for 40 that only beat), for about 10 MB more each.
 */
export const nodeFlags = (role: string): readonly string[] =>
  (flags as Readonly<Record<string, readonly string[]>>)[role] ?? [];
