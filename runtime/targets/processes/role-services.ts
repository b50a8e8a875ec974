import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.js';
import { RUN_FILES } from '../../record/run-folder.js';
import type { Experiment } from '../../spec/experiment.js';
import { RoleService } from './role-service.js';

/** Roles of which a run has one process each. */
export type SingleRole = 'load-generator' | 'autoscaler' | 'monitor' | 'chaos';

export interface RoleServicesOptions {
  readonly programs: Readonly<Record<SingleRole, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the role chaos is told beside that. */
  readonly chaosEnvironment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly clock: Clock;
  readonly onText: (text: string) => void;
  readonly onError: (error: unknown) => void;
  /** The run cannot go on. */
  readonly onLost: (how: string) => void;
}

/** Those an experiment needs. */
export function singleRoles({ chaos }: Experiment): SingleRole[] {
  // Switched off, chaos can still be switched on.
  const plans = chaos.injections.length > 0;
  return ['monitor', 'autoscaler', 'load-generator', ...(plans ? ['chaos' as const] : [])];
}

/** The processes of the roles that a run has one of each. */
export class RoleServices {
  private readonly services = new Map<SingleRole, RoleService>();

  constructor(roles: readonly SingleRole[], options: RoleServicesOptions) {
    const { programs, env, chaosEnvironment, folder, clock, onText, onError, onLost } = options;
    for (const role of roles) {
      const service = new RoleService({
        ...{ id: role, clock, onText, onLost },
        command: [process.execPath, programs[role]],
        env: role === 'chaos' ? { ...env, ...chaosEnvironment, FAULTS_FILE: join(folder, RUN_FILES.faults) } : env,
        // What it has measured is nowhere else: one that begins in the middle would report half a run as a whole one.
        comesBack: role !== 'monitor',
        onRestart: (how) => {
          if (!how.includes('SIGKILL')) onError(new Error(`${how}; it is started again`));
        },
      });
      this.services.set(role, service);
    }
  }

  /** Starts them, and resolves when each has said that it is up, or never will. */
  async start(): Promise<void> {
    for (const service of this.services.values()) service.start();
    await Promise.all([...this.services.values()].map(({ started }) => started));
  }

  /** Resolves when the monitor has written its record and ended. */
  get recorded(): Promise<null> {
    return (this.services.get('monitor') as RoleService).done;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.stop()));
  }
}
