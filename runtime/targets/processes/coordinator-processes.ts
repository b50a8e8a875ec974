import { z } from 'zod';
import type { Duty } from '../../coordinator/port.js';
import type { Clock, Timer } from '../../kernel/clock.js';
import type { EventSink, ExperimentEvent } from '../../observe/events.js';
import type { Leadership } from '../platform.js';
import { RoleProcess, type LogLine, type RoleProcessOptions } from './role-process.js';

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

/** What coordinators tell of in their logs, and the run's own record is to have. */
const told = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('agents'),
    at: z.number(),
    change: z.literal('expired'),
    agents: z.array(z.string()),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('incident'),
    at: z.number(),
    incident: z.object({
      timestamp: z.number(),
      type: z.string(),
      severity: z.enum(['critical', 'warning', 'info']),
      description: z.string(),
      resolution: z.string(),
      duration: z.number(),
    }),
  }),
]);

/** The coordinator replicas as processes: they elect their leader in Redis, and say in their logs who it is. */
export class CoordinatorProcesses {
  private readonly replicas = new Map<string, RoleProcess>();
  private readonly restarts = new Set<Timer>();
  private current: string | null = null;
  private ending = false;
  private emit: EventSink | null = null;
  private timers: Timer[] = [];

  constructor(private readonly options: CoordinatorProcessesOptions) {}

  start(): void {
    for (let i = 1; i <= this.options.replicas; i += 1) this.launch(`coordinator-${i}`);
  }

  /** The coordinators as a run has them; `duties` are the run's own and carried out in this process. */
  leadership(duties: readonly Duty[], events: EventSink): Leadership {
    return {
      start: () => {
        this.emit = events;
        if (this.current !== null) this.tellLeader(null);
        this.timers = duties.map((duty) =>
          this.options.clock.every(duty.everyMs, () => {
            duty.run();
          }),
        );
      },
      stop: () => this.close(),
      leader: () => this.leader(),
      killLeader: () => {
        const leader = this.leader();
        if (leader !== null) this.replicas.get(leader)?.kill();
        return leader;
      },
    };
  }

  async close(): Promise<void> {
    this.ending = true;
    for (const timer of [...this.timers, ...this.restarts]) timer.cancel();
    const all = [...this.replicas.values()];
    for (const replica of all) replica.end();
    await Promise.all(all.map(({ gone }) => gone));
  }

  private leader(): string | null {
    return this.current !== null && this.replicas.has(this.current) ? this.current : null;
  }

  private launch(id: string): void {
    const { clock, command, env, onText } = this.options;
    const replica = new RoleProcess({
      ...{ id, command, clock, onText, graceMs: LEAVE_MS, hasChildren: false },
      env: { ...env, POD_NAME: id },
      onLine: (line) => {
        this.hear(id, line);
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

  private hear(id: string, line: LogLine): void {
    if (line.msg === 'leading') {
      const previous = this.current;
      this.current = id;
      this.tellLeader(previous);
      return;
    }
    const event = told.safeParse(line['event']);
    if (event.success) this.emit?.(event.data satisfies ExperimentEvent);
  }

  private tellLeader(previous: string | null): void {
    const { clock } = this.options;
    if (this.current !== null) this.emit?.({ type: 'leader', at: clock.now(), replica: this.current, previous });
  }
}
