/** Process exit codes (design.md §5). */
export const EXIT = { met: 0, notMet: 1, badInput: 2, invalid: 3, aborted: 4 } as const;

/** Every error code of the project, with the exit code it ends the process with. */
export const ERROR_CODES = {
  CONFIG_INVALID: EXIT.badInput,
  LOAD_INFEASIBLE: EXIT.badInput,
  USAGE: EXIT.badInput,
  FILE_UNREADABLE: EXIT.badInput,
  RECORD_UNREADABLE: EXIT.badInput,
  OUT_NOT_EMPTY: EXIT.badInput,
  NO_SPACE: EXIT.badInput,
  NO_RUN: EXIT.badInput,
  NO_ANSWER: EXIT.badInput,
  FOREIGN_KEYS: EXIT.badInput,
  RUN_ACTIVE: EXIT.badInput,
  WRONG_STATE: EXIT.badInput,
  UNAUTHORISED: EXIT.badInput,
  TARGET_UNKNOWN: EXIT.badInput,
  PRICE_UNKNOWN: EXIT.badInput,
  OVER_BUDGET: EXIT.badInput,
  LEDGER_BROKEN: EXIT.invalid,
  INTERNAL: EXIT.aborted,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One thing that is wrong, said so that it can be put right. */
export interface Problem {
  /** Where: `fleet.slots`, a file, a flag. */
  readonly path: string;
  /** What was found there, as written. */
  readonly value?: string;
  /** What is wrong with it, and what is allowed. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** An error meant for people: a code from the table, and everything that is wrong at once. */
export class ExperimentError extends Error {
  override readonly name = 'ExperimentError';
  readonly exitCode: number;

  constructor(
    readonly code: ErrorCode,
    readonly headline: string,
    readonly problems: readonly Problem[] = [],
    options?: ErrorOptions,
  ) {
    super(formatProblems(headline, problems), options);
    this.exitCode = ERROR_CODES[code];
  }
}

function formatProblems(headline: string, problems: readonly Problem[]): string {
  const lines = problems.map((problem) => {
    const value = problem.value === undefined ? '' : ` (got ${problem.value})`;
    const hint = problem.hint === undefined ? '' : `\n      → ${problem.hint}`;
    return `  - ${problem.path}: ${problem.message}${value}${hint}`;
  });
  return [headline, ...lines].join('\n');
}
