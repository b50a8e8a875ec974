import type { Command } from 'commander';
import type { Ending } from './ending.js';
import type { Io } from './io.js';

/** The command the image's containers begin with. */
export function addRoleCommand(program: Command, io: Io, ending: Ending): void {
  program
    .command('role <name> [args...]')
    .description('one part of a run as a process of its own, for the image and for runs with --processes')
    .allowUnknownOption()
    .addHelpText(
      'after',
      `
Configured by SPEC_FILE (the compiled experiment, spec.json), REDIS_NODES, REDIS_USERNAME, REDIS_PASSWORD, REDIS_TLS,
POD_NAME, ZONE, RUN_ID, HEALTH_PORT, METRICS_PORT, LISTEN_HOST and LOG_LEVEL. Logs are JSON on standard output.
SIGTERM drains; a second one ends at once.

Example: SPEC_FILE=results/RUN/spec.json REDIS_NODES=localhost:6379 ./experiment.sh role agent`,
    )
    .action(async (name: string, args: string[]) => {
      const { role } = await import('./commands/role.js');
      await ending(role(name, args, io));
    });
}
