import type { Clock, Timer } from '../../../kernel/clock.js';
import type { Canary } from '../../port.js';

/** Unanswered, it is sent to another agent after this long. */
const AGAIN_MS = 200;
/** Then nobody waits for it any more. */
const FORGET_MS = 120_000;

/** Finds an agent for a canary: a partition names one. */
export type FindAgent = (index: number, send: (driver: string, agent: string) => void) => void;

/** Canaries under way: each is sent again until an agent has answered, and answered once. */
export class CanaryDesk {
  private readonly open = new Map<string, { readonly canary: Canary; tries: number }>();
  private timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly find: FindAgent,
    private readonly ask: (driver: string, agent: string, id: string) => void,
  ) {}

  send(canary: Canary): void {
    const id = String(canary.index);
    this.open.set(id, { canary, tries: 0 });
    this.try(id);
    this.timer ??= this.clock.every(AGAIN_MS, () => {
      this.again();
    });
  }

  answered(id: string): void {
    const entry = this.open.get(id);
    if (entry === undefined) return;
    this.open.delete(id);
    if (this.open.size === 0) this.rest();
    entry.canary.answered(this.clock.now());
  }

  close(): void {
    this.open.clear();
    this.rest();
  }

  private try(id: string): void {
    const entry = this.open.get(id);
    if (entry === undefined) return;
    entry.tries += 1;
    // Each try goes through another partition, so that one that is away does not keep it.
    this.find(entry.canary.index + entry.tries, (driver, agent) => {
      if (this.open.has(id)) this.ask(driver, agent, id);
    });
  }

  private again(): void {
    const now = this.clock.now();
    for (const [id, { canary }] of [...this.open]) {
      if (now - canary.sentAt > FORGET_MS) this.open.delete(id);
      else if (now - canary.sentAt >= AGAIN_MS) this.try(id);
    }
    if (this.open.size === 0) this.rest();
  }

  private rest(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
