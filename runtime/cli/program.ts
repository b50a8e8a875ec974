import { Command, CommanderError } from 'commander';
import { EXIT, ExperimentError } from '../kernel/errors.js';
import { VERSION } from '../kernel/version.js';
import { start, type StartFlags } from './commands/start.js';
import type { Io } from './io.js';

/** Runs one command line; answers the exit code. Never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.met;
  const program = new Command('experiment.sh')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => { io.stdout.write(text); }, writeErr: (text) => { io.stderr.write(text); } });
  program
    .command('start')
    .option('--phase <n>')
    .option('--scenario <name>')
    .option('--agents <n>')
    .option('--rate <rate>')
    .option('--duration <time>')
    .option('--chaos [on]')
    .option('--scaling <mode>')
    .option('--target <target>')
    .option('--seed <n>')
    .option('--config <file>')
    .option('--out <folder>')
    .option('--lang <language>')
    .option('--report [on]')
    .option('--force')
    .option('--json')
    .action(async (flags: StartFlags) => {
      exitCode = await start(flags, io);
    });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.met : EXIT.badInput;
    if (error instanceof ExperimentError) {
      io.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    io.stderr.write(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.aborted;
  }
}
