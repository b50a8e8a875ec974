import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One role as a process of its own, from its bundle; what it logs is kept. */
export class RoleProcess {
  readonly lines: string[] = [];
  private child: ChildProcess | null = null;
  private listeners: Array<{ readonly text: string; readonly resolve: () => void }> = [];

  constructor(
    readonly id: string,
    private readonly file: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  get running(): boolean {
    return this.child !== null;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Resolves when it says that it has started. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--max-semi-space-size=1', this.file], {
      env: { PATH: process.env['PATH'], ...this.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    child.once('exit', () => {
      if (this.child === child) this.child = null;
    });
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.told(line));
    await this.says('"msg":"started"');
  }

  kill(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  stall(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<number | null> {
    const { child } = this;
    if (child === null) return null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    return ended;
  }

  /** Waits until a line that it logs contains the text. */
  private says(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.listeners.push({ text, resolve });
    });
  }

  private told(line: string): void {
    this.lines.push(line);
    this.listeners = this.listeners.filter(({ text, resolve }) => {
      if (!line.includes(text)) return true;
      resolve();
      return false;
    });
  }
}
