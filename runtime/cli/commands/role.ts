import { ExperimentError } from '../../kernel/errors.js';
import { onParentGone } from '../../roles/main.js';
import { runRole } from '../../roles/run-role.js';
import { ROLES } from '../../roles/table.js';
import { nearest } from '../../spec/problems.js';
import type { Io } from '../io.js';

/**
 * Runs one role as this process, configured by the compiled experiment and the environment.
 *
 * @param args what follows the name; the role's own business.
 */
export function role(name: string, args: readonly string[], io: Io): Promise<number> {
  const [, load] = Object.entries(ROLES).find(([known]) => known === name) ?? [];
  if (load === undefined) throw unknownRole(name);
  return runRole(name, load, { ...io, args, env: process.env, pid: process.pid, onParentGone });
}

function unknownRole(name: string): ExperimentError {
  const names = Object.keys(ROLES);
  const meant = nearest(name, names);
  return new ExperimentError('USAGE', 'There is no such role', [
    {
      path: 'role',
      value: name,
      message: `must be one of ${names.join(', ')}`,
      ...(meant === null ? {} : { hint: `did you mean ${meant}?` }),
    },
  ]);
}
