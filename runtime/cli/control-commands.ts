import type { Command } from 'commander';
import type * as control from './commands/control.js';
import type { StatusFlags } from './commands/status.js';
import type { Ending } from './ending.js';
import type { Io } from './io.js';

/** Commands for a live run in another terminal. */
export function addControlCommands(program: Command, io: Io, ending: Ending): void {
  const add = (nameAndArguments: string, description: string): Command =>
    program
      .command(nameAndArguments)
      .description(description)
      .option('--run <run>', 'which run, where there are several: its name under results/, or its folder');
  const carryOut = async (choose: (module: typeof control) => Promise<number>): Promise<void> => {
    await ending(choose(await import('./commands/control.js')));
  };

  add('status', 'one look at the live run')
    .option('--json', 'print the status as JSON')
    .action(async (flags: StatusFlags) => {
      const { status } = await import('./commands/status.js');
      await ending(status(flags, io));
    });
  add('watch', 'live view of the run in the terminal; Ctrl-C ends the view, not the run').action(
    async (flags: control.ControlFlags) => {
      const { watch } = await import('./commands/watch.js');
      await ending(watch(flags, io));
    },
  );
  add('pause', 'stops the arrivals; later ones shift. After 30 min without an answer the run ends').action(
    (flags: control.ControlFlags) => carryOut(({ pause }) => pause(flags, io)),
  );
  add('resume', 'goes on after a pause').action((flags: control.ControlFlags) =>
    carryOut(({ resume }) => resume(flags, io)),
  );
  add('drain', 'takes no new tasks and waits until those accepted are finished; stop ends the run then')
    .option('--timeout <time>', 'longest wait', '5m')
    .option('--no-wait', 'answer at once')
    .action((flags: control.DrainFlags) => carryOut(({ drain }) => drain(flags, io)));
  add('scale <n>', 'another number of agents').action((agents: string, flags: control.ControlFlags) =>
    carryOut(({ scale }) => scale(agents, flags, io)),
  );
  add('chaos <on|off>', 'fault injection on or off; off undoes open faults').action(
    (setting: string, flags: control.ControlFlags) => carryOut(({ chaos }) => chaos(setting, flags, io)),
  );
  add('snapshot', 'writes down where the run stands; start --resume takes it up again').action(
    (flags: control.ControlFlags) => carryOut(({ snapshot }) => snapshot(flags, io)),
  );
  add('stop', 'ends the run now and waits for its report').action((flags: control.ControlFlags) =>
    carryOut(({ stop }) => stop(flags, io)),
  );
  add('emergency-stop', 'everything off at once; may be repeated').action((flags: control.ControlFlags) =>
    carryOut(({ emergencyStop }) => emergencyStop(flags, io)),
  );
}
