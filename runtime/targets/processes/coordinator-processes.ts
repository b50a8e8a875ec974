import type { Clock, Timer } from '../../kernel/clock.js';
import { RoleProcess, type RoleProcessOptions } from './role-process.js';

/** Handing the lease back takes one question. */
const LEAVE_MS = 5_000;

export interface CoordinatorProcessesOptions {
  readonly replicas: number;
  /** From a kill until the replica is started again. */
  readonly restartMs: number;
  readonly clock: Clock;
  readonly command: RoleProcessOptions['command'];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onText: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

/** The coordinator replicas as processes: they elect their leader in Redis, and say in their logs who it is. */
export class CoordinatorProcesses {
  private readonly replicas = new Map<string, RoleProcess>();
  private readonly restarts = new Set<Timer>();
  private current: string | null = null;
  private ending = false;

  constructor(private readonly options: CoordinatorProcessesOptions) {}

  start(): void {
    for (let i = 1; i <= this.options.replicas; i += 1) this.launch(`coordinator-${i}`);
  }

  /** Who leads, and its process. */
  leading(): { readonly id: string; readonly pid: number | null } | null {
    const replica = this.current === null ? undefined : this.replicas.get(this.current);
    return replica === undefined ? null : { id: this.current as string, pid: replica.pid ?? null };
  }

  async close(): Promise<void> {
    this.ending = true;
    for (const timer of this.restarts) timer.cancel();
    const all = [...this.replicas.values()];
    for (const replica of all) replica.end();
    await Promise.all(all.map(({ gone }) => gone));
  }

  private launch(id: string): void {
    const { clock, command, env, onText } = this.options;
    const replica = new RoleProcess({
      ...{ id, command, clock, onText, graceMs: LEAVE_MS, hasChildren: false },
      env: { ...env, POD_NAME: id },
      onLine: ({ msg }) => {
        if (msg === 'leading') this.current = id;
      },
      onExit: (_told, how) => {
        this.replicas.delete(id);
        if (!this.ending) this.bringBack(id, how);
      },
    });
    this.replicas.set(id, replica);
  }

  private bringBack(id: string, how: string): void {
    const { clock, restartMs, onError } = this.options;
    if (!how.includes('SIGKILL')) onError(new Error(`${id} ${how}; it is started again`));
    const timer = clock.after(restartMs, () => {
      this.restarts.delete(timer);
      this.launch(id);
    });
    this.restarts.add(timer);
  }
}
