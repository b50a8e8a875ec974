import type { Clock, Timer } from '../../kernel/clock.js';
import { MINUTE, SECOND } from '../../kernel/units.js';
import { RoleProcess, type RoleProcessOptions } from './role-process.js';

/** From the end of a process until it is started again. */
const AGAIN_MS = 500;
/** So many starts within a minute: it does not stay up, and will not. */
const MOST_STARTS = 5;
/** It is asked to leave, and sees to its own business first. */
const LEAVE_MS = 15 * SECOND;

export interface RoleServiceOptions {
  /** Of the process: `monitor`. */
  readonly id: string;
  readonly command: RoleProcessOptions['command'];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Started anew when it ends otherwise than with 0. */
  readonly comesBack: boolean;
  readonly onText: (text: string) => void;
  /** It ended without being told to, and is started again. */
  readonly onRestart: (how: string) => void;
  /** It ended without being told to, for good; `how` for people. */
  readonly onLost: (how: string) => void;
}

/** A role of which there is one process: keeps it up. */
export class RoleService {
  /** Resolves at its first start; also when it never comes. */
  readonly started: Promise<null>;
  /** Resolves when it has ended by itself in order: with 0. */
  readonly done: Promise<null>;
  private readonly hasStarted: () => void;
  private readonly isDone: () => void;
  private process: RoleProcess | null = null;
  private again: Timer | null = null;
  private ending = false;
  private starts: number[] = [];

  constructor(private readonly options: RoleServiceOptions) {
    const [started, done] = [options.clock.deferred<null>(), options.clock.deferred<null>()];
    [this.started, this.done] = [started.promise, done.promise];
    this.hasStarted = () => {
      started.resolve(null);
    };
    this.isDone = () => {
      done.resolve(null);
    };
  }

  start(): void {
    const { id, command, env, clock, onText } = this.options;
    this.starts = [...this.starts, clock.now()].filter((at) => clock.now() - at < MINUTE);
    this.process = new RoleProcess({
      ...{ id, command, clock, onText, graceMs: LEAVE_MS, hasChildren: false },
      env: { ...env, POD_NAME: id },
      onLine: ({ msg }) => {
        if (msg === 'started') this.hasStarted();
      },
      onExit: (_told, how, code) => {
        this.process = null;
        if (code === 0) this.isDone();
        else if (!this.ending) this.lost(how);
      },
    });
  }

  /** Asks it to leave; resolves when it is gone. */
  async stop(): Promise<void> {
    this.ending = true;
    this.again?.cancel();
    this.hasStarted();
    const { process } = this;
    process?.end();
    await process?.gone;
  }

  private lost(how: string): void {
    const { id, clock, comesBack, onRestart, onLost } = this.options;
    const text = `${id} ${how}`;
    if (!comesBack || this.starts.length >= MOST_STARTS) {
      this.hasStarted();
      onLost(comesBack ? `${text}; it was started ${MOST_STARTS} times within a minute and does not stay up` : text);
      return;
    }
    onRestart(text);
    this.again = clock.after(AGAIN_MS, () => {
      this.start();
    });
  }
}
