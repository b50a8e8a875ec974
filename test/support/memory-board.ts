import type { Clock, Timer } from '../../runtime/kernel/clock.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import {
  BOARD_START,
  Outranked,
  type Board,
  type Command,
  type Found,
  type NoteName,
  type Notes,
} from '../../runtime/roles/board/board.js';

/** A board in this process, for several to share. */
export class MemoryBoard implements Board {
  readonly events: ExperimentEvent[] = [];
  readonly commands: Command[] = [];
  /** Set: Redis cannot be reached. */
  away = false;
  private readonly notes = new Map<NoteName, { note: unknown; at: number; term: number }>();

  constructor(private readonly clock: Clock) {}

  async write<N extends NoteName>(name: N, note: Notes[N], term?: number): Promise<void> {
    await this.reach();
    const before = this.notes.get(name)?.term ?? -Infinity;
    if (term !== undefined && term < before) throw new Outranked(name);
    this.notes.set(name, { note, at: this.clock.now(), term: term ?? before });
  }

  async read<N extends NoteName>(name: N): Promise<Found<Notes[N]> | null> {
    await this.reach();
    const found = this.notes.get(name);
    return found === undefined ? null : { note: found.note as Notes[N], ageMs: this.clock.now() - found.at };
  }

  follow<N extends NoteName>(name: N, everyMs: number, listener: (found: Found<Notes[N]> | null) => void): Timer {
    const look = (): void => {
      this.clock.spawn(
        async () => listener(await this.read(name)),
        () => undefined,
      );
    };
    look();
    return this.clock.every(everyMs, look);
  }

  async command(command: Command): Promise<void> {
    await this.reach();
    this.commands.push(command);
  }

  async commandsAfter(position: string): Promise<{ commands: readonly Command[]; position: string }> {
    await this.reach();
    return { commands: this.commands.slice(numberOf(position)), position: String(this.commands.length) };
  }

  event(event: ExperimentEvent): void {
    this.events.push(event);
  }

  async eventsAfter(position: string): Promise<{ events: readonly ExperimentEvent[]; position: string }> {
    await this.reach();
    return { events: this.events.slice(numberOf(position)), position: String(this.events.length) };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async reach(): Promise<void> {
    await Promise.resolve();
    if (this.away) throw new Error('Redis is away');
  }
}

const numberOf = (position: string): number => (position === BOARD_START ? 0 : Number(position));
