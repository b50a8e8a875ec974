import { randomBytes } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { CommandRunner } from '../agents/adapters/command-runner.js';
import { HttpRunner } from '../agents/adapters/http-runner.js';
import { seesProcesses } from '../agents/adapters/process-trees.js';
import { missingVariables, Secrets } from '../agents/adapters/secrets.js';
import { SimulatedExecutor } from '../agents/adapters/simulated.js';
import { KeyPools } from '../agents/key-pools.js';
import type { CallLimiter, Executor, RateLimitSwitch, Runner } from '../agents/port.js';
import { RealExecutor } from '../agents/real-executor.js';
import { TaskWriter } from '../agents/wire-task.js';
import type { Clock } from '../kernel/clock.js';
import { ExperimentError, type Problem } from '../kernel/errors.js';
import { MINUTE } from '../kernel/units.js';
import type { QueueObserver } from '../queue/port.js';
import type { CommandRules, ExecutorRules } from '../spec/executor-rules.js';
import type { Experiment } from '../spec/experiment.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface AgentWorkOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  /** A rehearsal simulates its agents whatever the experiment says. */
  readonly target: 'rehearsal' | 'local' | 'cluster';
  /** Where secrets are. @default our own environment */
  readonly environment?: Environment;
  /** Shared by all agents on the same keys. @default one of this process; none where no providers are named */
  readonly limiter?: CallLimiter;
  readonly onError: (error: unknown) => void;
}

/** Who carries tasks out, and how to end what is still under way when the run is over. */
export interface AgentWork {
  readonly executor: Executor & RateLimitSwitch;
  readonly close: () => Promise<void>;
}

/**
 * The executor an experiment asks for.
 *
 * @throws ExperimentError CONFIG_INVALID when it cannot work here: a program or a variable is missing.
 */
export function agentWork(options: AgentWorkOptions): AgentWork {
  const { experiment, clock, target, onError, environment = process.env } = options;
  const { executor: rules } = experiment;
  if (target === 'rehearsal' || rules.type === 'simulated') {
    return { executor: new SimulatedExecutor(clock, experiment), close: () => Promise.resolve() };
  }
  requireAgents(experiment, environment);
  const runner = runnerFor(rules, options, environment);
  const limiter = options.limiter ?? (rules.providers.length === 0 ? null : new KeyPools(clock, rules.providers));
  const executor = new RealExecutor({
    experiment,
    clock,
    runner,
    writer: new TaskWriter(experiment, rules),
    limiter,
    onFailure: failureNotes(clock, onError),
    onError,
  });
  return { executor, close: () => runner.close() };
}

/** Throws CONFIG_INVALID with everything real agents need and do not find in this place. */
export function requireAgents({ executor: rules }: Experiment, environment: Environment = process.env): void {
  const problems = [
    ...missingVariables(rules, environment),
    ...(rules.type === 'command' ? programProblems(rules.command, environment) : []),
  ];
  if (problems.length === 0) return;
  throw new ExperimentError('CONFIG_INVALID', 'The agents of the experiment cannot be run here.', problems);
}

/** Tells of what attempts used of models, successful or not, counted or superseded: it has been paid for. */
export function usageObserver(charge: (usd: number) => void): QueueObserver {
  return {
    submitted: () => undefined,
    started: () => undefined,
    finished: (_lease, _agent, { usage }) => {
      if (usage !== undefined) charge(usage.usd);
    },
    requeued: () => undefined,
  };
}

function runnerFor(
  rules: Exclude<ExecutorRules, { type: 'simulated' }>,
  { clock, onError }: AgentWorkOptions,
  environment: Environment,
): Runner {
  const secrets = new Secrets(rules, environment);
  if (rules.type === 'command') {
    return new CommandRunner({ rules: rules.command, clock, environment, secrets, onError });
  }
  return new HttpRunner({ rules: rules.http, clock, secrets, token: randomBytes(24).toString('base64url'), onError });
}

/** Says why attempts fail: each reason once a minute at most, or one bad key would fill the log. */
function failureNotes(
  clock: Clock,
  onError: (error: unknown) => void,
): (reason: string, detail: string | null) => void {
  const told = new Map<string, number>();
  return (reason, detail) => {
    const now = clock.now();
    if (now - (told.get(reason) ?? -Infinity) < MINUTE) return;
    told.set(reason, now);
    onError(new Error(`attempts fail (${reason})${detail === null ? '' : `: ${detail}`}`));
  };
}

function programProblems({ run, cwd, memoryBytes, passEnv, env }: CommandRules, environment: Environment): Problem[] {
  const problems: Problem[] = [];
  const folder = resolve(cwd ?? '.');
  if (!isFolder(folder)) {
    problems.push({
      path: 'executor.command.cwd',
      value: folder,
      message: 'is no folder',
      hint: 'make it, or name another',
    });
  }
  const [program = ''] = run;
  const path = env['PATH'] ?? (passEnv.includes('PATH') ? environment['PATH'] : undefined) ?? '';
  if (!program.includes('{') && !isProgram(program, folder, path)) {
    problems.push({
      path: 'executor.command.run',
      value: program,
      message: 'is no program that can be run here',
      hint: program.includes('/') ? 'is it there, and executable?' : 'install it, or give its whole path',
    });
  }
  if (memoryBytes !== null && !seesProcesses()) {
    problems.push({
      path: 'executor.command.memory',
      value: String(memoryBytes),
      message: 'needs Linux: only there the memory of a process tree can be seen',
      hint: 'leave it out here',
    });
  }
  return problems;
}

function isProgram(program: string, folder: string, path: string): boolean {
  if (program.includes('/')) return isExecutable(isAbsolute(program) ? program : join(folder, program));
  return path.split(delimiter).some((place) => place !== '' && isExecutable(join(place, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
