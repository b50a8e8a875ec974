import type { Command } from 'commander';
import { SCALING_MODES, SCENARIO_NAMES } from '../spec/schema-scenarios.js';
import type { CheckFlags } from './commands/check.js';
import type { PlanFlags } from './commands/plan.js';
import type { StartFlags } from './commands/start.js';
import type { Ending } from './ending.js';
import type { Io } from './io.js';

/** Commands that begin with an experiment: plan, start, check. */
export function addExperimentCommands(program: Command, io: Io, ending: Ending): void {
  withExperiment(program.command('plan'))
    .description('what the experiment will do, whether it fits and what it costs; starts nothing')
    .option('--json', 'print the plan as JSON')
    .option('--optimize', 'search for the cheapest fleet that meets every criterion, by rehearsal: takes minutes')
    .addHelpText(
      'after',
      `
Examples:
  ./experiment.sh plan --phase 3 --scenario burst
  ./experiment.sh plan --phase 3 --optimize`,
    )
    .action(async (flags: PlanFlags) => {
      const { plan } = await import('./commands/plan.js');
      await ending(plan(flags, io));
    });

  withExperiment(program.command('start'))
    .description('runs an experiment and reports on it')
    .option('--target <target>', 'rehearsal (virtual time, seconds) or local (real time, on this machine)')
    .option('--redis <url>', 'keep the tasks of a local run in a Redis or Redis Cluster: redis://host:6379,host:6379')
    .option('--processes [on]', 'all roles of the run as processes of their own; needs --redis')
    .option('--toxiproxy <url>', 'a toxiproxy for faults of the network among processes (default: one is started)')
    .option('--out <folder>', 'record there; must be empty (default: the next free name under results/)')
    .option('--resume <run>', 'take up a run from its snapshot: a run, or the file')
    .option('--lang <language>', 'language of the report: en or ja (default: en)')
    .option('--report [on]', 'write report.md and report.html beside report.json (default: true)')
    .option('--force', 'start although the load does not fit or the budget does not last')
    .option('--json', 'print report.json on standard output, and nothing else there')
    .addHelpText(
      'after',
      `
Examples:
  ./experiment.sh start --phase=3 --agents=200 --duration=72h --chaos=true --target rehearsal
  ./experiment.sh start --phase 3 --scenario stress --target rehearsal --seed 7
  ./experiment.sh start --phase 3 --rate 2000/min --duration 2m --force --target local
  ./experiment.sh start --phase 1 --target local --redis redis://localhost:6379 --processes
  ./experiment.sh start --config my-experiment.yaml --target rehearsal --out my-results --json

The password of a Redis is taken from REDIS_PASSWORD (and the user from REDIS_USERNAME) where the address has none.
TOXIPROXY_URL stands for --toxiproxy; without either, toxiproxy-server is looked for in TOXIPROXY_SERVER and on PATH.
REDIS_PROCESSES='{"HOST:PORT": PID or "PID-FILE"}' says which processes redis_primary_kill may kill.

Ctrl-C lets running tasks finish and ends the run; a second one aborts it. Both leave a report.`,
    )
    .action(async (flags: StartFlags) => {
      const { start } = await import('./commands/start.js');
      await ending(start(flags, io));
    });

  withExperiment(program.command('check'))
    .description('can an experiment be started here? program, disk, configuration')
    .option('--target <target>', 'rehearsal or local')
    .addHelpText('after', '\nExample: ./experiment.sh check --phase 3')
    .action(async (flags: CheckFlags) => {
      const { check } = await import('./commands/check.js');
      await ending(check(flags, io));
    });
}

function withExperiment(command: Command): Command {
  return command
    .option('--phase <n>', '1, 2 or 3: the experiment of Pulumi.phaseN.yaml, here or beside the program')
    .option('--config <file>', 'the experiment of any YAML file')
    .option('--scenario <name>', `instead of the phase's own load: ${SCENARIO_NAMES.join(', ')}`)
    .option('--agents <n>', 'agents the fleet has at least')
    .option('--rate <rate>', 'steady load, such as 500/min')
    .option('--duration <time>', 'length of the run, such as 72h or 2m')
    .option('--chaos [on]', 'inject the faults of the plan; --chaos=false leaves them out')
    .option('--scaling <mode>', `how the fleet is scaled: ${SCALING_MODES.join(', ')}`)
    .option('--seed <n>', 'chance: the same seed gives the same run');
}
