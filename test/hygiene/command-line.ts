import { Command, CommanderError } from 'commander';
import { addControlCommands } from '../../runtime/cli/control-commands.js';
import { addExperimentCommands } from '../../runtime/cli/experiment-commands.js';
import { processIo } from '../../runtime/cli/io.js';
import { addReportCommands } from '../../runtime/cli/report-commands.js';
import { addRoleCommand } from '../../runtime/cli/role-command.js';

const LAUNCHER = './experiment.sh';
/** Given to commands that never run: one is enough. */
const io = processIo();

/** Every `./experiment.sh …` in a shell script or in Markdown, comments and what follows the command left out. */
export function commandsIn(text: string): string[] {
  const joined = text.replace(/\s*\\\n\s*/g, ' ');
  return [...joined.matchAll(/\.\/experiment\.sh(?: +[^`\n|&;#)]+)?/g)]
    .map(([command]) => command.trim())
    .filter((command) => command !== LAUNCHER);
}

/** What the program's own parser has against a command line, or null; runs nothing. Quoting is taken off, not obeyed. */
export async function refusal(command: string): Promise<string | null> {
  const argv = command.replaceAll(/["']/g, '').split(/\s+/).slice(1);
  try {
    await parser().parseAsync(argv, { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return null;
    if (error instanceof CommanderError) return `${command}: ${error.message}`;
    throw error;
  }
}

/** The program with commands that do nothing. */
function parser(): Command {
  const program = new Command(LAUNCHER);
  const ending = (): Promise<void> => Promise.reject(new Error('a command was carried out'));
  addExperimentCommands(program, io, ending);
  addControlCommands(program, io, ending);
  addReportCommands(program, io, ending);
  addRoleCommand(program, io, ending);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  }
  for (const command of program.commands) command.action(() => undefined);
  return program;
}
