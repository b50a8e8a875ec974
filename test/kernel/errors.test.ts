import { ERROR_CODES, ExperimentError, EXIT, type ErrorCode } from '../../runtime/kernel/errors.js';

describe('experiment error', () => {
  it('tells everything that is wrong at once: where, what was found, what is allowed, what to do', () => {
    const error = new ExperimentError('CONFIG_INVALID', 'the experiment cannot be read', [
      { path: 'fleet.slots', value: '-4', message: 'must be a whole number from 1 on', hint: 'leave it out for 4' },
      { path: 'load.rate', message: 'is missing' },
    ]);
    expect(error.message).toBe(
      [
        'the experiment cannot be read',
        '  - fleet.slots: must be a whole number from 1 on (got -4)',
        '      → leave it out for 4',
        '  - load.rate: is missing',
      ].join('\n'),
    );
  });

  it('carries the exit code of its kind, and what caused it', () => {
    const cause = new Error('ENOSPC');
    const error = new ExperimentError('NO_SPACE', 'no room', [], { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('ExperimentError');
    expect(error.exitCode).toBe(EXIT.badInput);
    expect(error.cause).toBe(cause);
    expect(error.message).toBe('no room');
    expect(new ExperimentError('LEDGER_BROKEN', '').exitCode).toBe(3);
    expect(new ExperimentError('INTERNAL', '').exitCode).toBe(4);
  });

  it('has a code for every kind of error that a process can end with', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      expect(Object.values(EXIT)).toContain(new ExperimentError(code, '').exitCode);
    }
  });
});
