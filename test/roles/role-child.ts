import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type Line = Record<string, unknown> & { readonly msg: string };

/** A role's process, and what it logs. */
export class RoleChild {
  readonly lines: Line[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<number>;
  private readonly waiting: Array<() => void> = [];

  /** @param args program and its arguments. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...env } });
    createInterface(this.child.stdout!).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const look of this.waiting) look();
    });
    this.exited = once(this.child, 'close').then(([code]) => code as number);
  }

  /** Resolves with the first line that says so. */
  said(msg: string): Promise<Line> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.lines.find((line) => line.msg === msg);
        if (found !== undefined) resolve(found);
      };
      this.waiting.push(look);
      look();
    });
  }

  async get(path: string, port = 'healthPort', init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const listening = await this.said('listening');
    const response = await fetch(`http://127.0.0.1:${listening[port]}${path}`, init);
    return { status: response.status, text: await response.text() };
  }
}
