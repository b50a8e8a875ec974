import { Command, CommanderError } from 'commander';
import { EXIT, ExperimentError } from '../kernel/errors.js';
import { VERSION } from '../kernel/version.js';
import { addControlCommands } from './control-commands.js';
import type { Ending } from './ending.js';
import { addExperimentCommands } from './experiment-commands.js';
import type { Io } from './io.js';
import { addReportCommands } from './report-commands.js';
import { addRoleCommand } from './role-command.js';

/** Runs one command line; answers the exit code (design.md §5). Never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.met;
  const ending: Ending = async (code) => {
    exitCode = await code;
  };
  const program = root(io);
  addExperimentCommands(program, io, ending);
  addControlCommands(program, io, ending);
  addReportCommands(program, io, ending);
  addRoleCommand(program, io, ending);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return failed(error, io);
  }
}

function root(io: Io): Command {
  return new Command('./experiment.sh')
    .description('Declares, rehearses, runs, breaks and judges a live experiment on a fleet of AI coding agents.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'show help')
    .helpCommand(false)
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text);
      },
      writeErr: (text) => {
        io.stderr.write(text);
      },
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
      outputError: (text, write) => {
        write(text.replace(/^error: /, ''));
      },
    })
    .addHelpText(
      'after',
      `
Examples:
  ./experiment.sh start --phase 3 --target rehearsal             72 h in seconds: the verdict beforehand
  ./experiment.sh plan --phase 3                                 does it fit, when does what happen, what does it cost
  ./experiment.sh start --phase 1 --target local --duration 2m   live on this machine
  ./experiment.sh watch                                          that run from another terminal

Exit codes: 0 every mandatory criterion met, 1 some not met, 2 bad input, 3 the measurement was at fault, 4 aborted.
Help on a command: ./experiment.sh COMMAND --help`,
    );
}

function failed(error: unknown, io: Io): number {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, and answers 1 for it, which means something else here.
    if (error.exitCode === 0) return EXIT.met;
    if (error.code !== 'commander.help') io.stderr.write('Try --help.\n');
    return EXIT.badInput;
  }
  if (error instanceof ExperimentError) {
    io.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  io.stderr.write(`Internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.aborted;
}
