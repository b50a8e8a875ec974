import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import type { Clock, Timer } from '../../kernel/clock.js';
import { nanToText, textToNan } from '../../kernel/json-numbers.js';
import type { ExperimentEvent } from '../../observe/events.js';
import { boardKey } from '../../queue/adapters/redis/board-key.js';
import { BOARD_START, Outranked, type Board, type Command, type Found, type NoteName, type Notes } from './board.js';
import { BoardLink } from './board-link.js';
import { APPEND, READ_NOTE, WRITE_NOTE } from './board-scripts.js';
import { eventSchema } from './event-schema.js';
import { commandSchema, NOTE_SCHEMAS } from './note-schemas.js';
import { StreamWriter } from './stream-writer.js';

/** Kept at least; older ones have long been read. */
const MOST_EVENTS = 200_000;
const MOST_COMMANDS = 10_000;
/** Read at a time. */
const PAGE = 1_000;
/** A command that Redis has not taken by then is given up: whoever gave it must know, and not be surprised later. */
const COMMAND_MS = 10_000;

/** Notes that others act upon as soon as they see them: a replica has them before the writer goes on. */
const CONFIRMED: ReadonlySet<NoteName> = new Set<NoteName>(['run', 'wanted']);

const noteAnswer = z.tuple([z.string(), z.coerce.number()]).nullable();
const entries = z.array(z.tuple([z.string(), z.array(z.string())]));
const positionText = z.object({ id: z.string(), read: z.record(z.string(), z.int()) });

export interface RedisBoardOptions {
  /** A connection of its own: waiting for a replica holds up whatever comes behind it. The board closes it. */
  readonly redis: Redis | Cluster;
  readonly run: string;
  /** Names this process; different for every start. */
  readonly writer: string;
  readonly clock: Clock;
  /** What could not be read or sent; it is tried again where that makes sense. */
  readonly onError: (error: unknown) => void;
}

/** The board in Redis, in one slot: `ae:{board:RUN}:…`, on one server or on a cluster. */
export class RedisBoard implements Board {
  private readonly link: BoardLink;
  private readonly commands: StreamWriter;
  private readonly events: StreamWriter;
  private readonly following = new Set<Timer>();

  constructor(private readonly options: RedisBoardOptions) {
    const { clock, onError } = options;
    this.link = new BoardLink(options.redis);
    const writer = (stream: string, keep: number): StreamWriter =>
      new StreamWriter({
        clock,
        onError,
        append: async (batch) => {
          const texts = batch.flatMap(({ number, text }) => [number, text]);
          const keys = [this.key(stream), this.key(`${stream}:written`)];
          await this.link.write({ script: APPEND, keys, args: [options.writer, keep, ...texts] });
        },
      });
    this.commands = writer('commands', MOST_COMMANDS);
    this.events = writer('events', MOST_EVENTS);
  }

  async write<N extends NoteName>(name: N, note: Notes[N], term?: number): Promise<void> {
    const args = [JSON.stringify(note, nanToText), term ?? ''];
    const keys = [this.key(`note:${name}`)];
    if (!CONFIRMED.has(name)) {
      await this.options.redis.eval(WRITE_NOTE, keys.length, ...keys, ...args);
      return;
    }
    if (await this.link.write({ script: WRITE_NOTE, keys, args })) return;
    throw new Outranked(`the note "${name}" is somebody else's to write by now`);
  }

  async read<N extends NoteName>(name: N): Promise<Found<Notes[N]> | null> {
    const answer = noteAnswer.parse(await this.options.redis.eval(READ_NOTE, 1, this.key(`note:${name}`)));
    if (answer === null) return null;
    const [text, ageMs] = answer;
    return { note: understood(`note "${name}"`, NOTE_SCHEMAS[name], text), ageMs: Math.max(0, ageMs) };
  }

  follow<N extends NoteName>(name: N, everyMs: number, listener: (found: Found<Notes[N]> | null) => void): Timer {
    const { clock, onError } = this.options;
    let reading = false;
    let failing = false;
    let over = false;
    const look = (): void => {
      // A Redis that does not answer is not asked twice at a time.
      if (reading || over) return;
      reading = true;
      clock.spawn(
        async () => {
          try {
            const found = await this.read(name);
            failing = false;
            if (!over) listener(found);
          } finally {
            reading = false;
          }
        },
        (error) => {
          if (!failing && !over) onError(error);
          failing = true;
        },
      );
    };
    const ticking = clock.every(everyMs, look);
    const timer: Timer = {
      cancel: () => {
        over = true;
        this.following.delete(timer);
        ticking.cancel();
      },
    };
    this.following.add(timer);
    look();
    return timer;
  }

  async command(command: Command): Promise<void> {
    const { clock } = this.options;
    const { sent, withdraw } = this.commands.add(JSON.stringify(command, nanToText));
    const patience = new AbortController();
    const late = clock.sleep(COMMAND_MS, patience.signal).then(
      () => 'late',
      () => null,
    );
    const first = await Promise.race([sent, late]);
    patience.abort();
    if (first !== 'late') return;
    withdraw();
    throw new Error(`Redis has not taken the command "${command.name}" within ${COMMAND_MS} ms`);
  }

  async commandsAfter(position: string): Promise<{ readonly commands: readonly Command[]; readonly position: string }> {
    const { read, position: next } = await this.after('commands', commandSchema, position);
    return { commands: read, position: next };
  }

  event(event: ExperimentEvent): void {
    this.events.add(JSON.stringify(event, nanToText));
  }

  async eventsAfter(
    position: string,
  ): Promise<{ readonly events: readonly ExperimentEvent[]; readonly position: string }> {
    const { read, position: next } = await this.after('events', eventSchema, position);
    return { events: read, position: next };
  }

  async close(patienceMs: number): Promise<void> {
    for (const timer of [...this.following]) timer.cancel();
    const patience = new AbortController();
    const late = this.options.clock.sleep(patienceMs, patience.signal).catch(() => undefined);
    await Promise.race([Promise.all([this.commands.flushed(), this.events.flushed()]), late]);
    patience.abort();
    this.commands.close();
    this.events.close();
    this.options.redis.disconnect();
  }

  private key(what: string): string {
    return boardKey(this.options.run, what);
  }

  /**
   * What a stream holds after a position, at most a page of it. The position also says how far each writer has been
   * read: an entry that was read, lost with its primary and written again is not read twice.
   */
  private async after<T>(
    stream: string,
    schema: z.ZodType<T>,
    position: string,
  ): Promise<{ read: T[]; position: string }> {
    const from =
      position === BOARD_START ? { id: '', read: {} } : understood('a position on the board', positionText, position);
    const start = from.id === '' ? '-' : `(${from.id}`;
    const found = entries.parse(await this.options.redis.xrange(this.key(stream), start, '+', 'COUNT', PAGE));
    const [last] = found.at(-1) ?? [];
    if (last === undefined) return { read: [], position };
    const read: T[] = [];
    const latest = new Map(Object.entries(from.read));
    for (const [id, [, writer = '', , number = '', , text = '']] of found) {
      if (Number(number) <= (latest.get(writer) ?? 0)) continue;
      latest.set(writer, Number(number));
      try {
        read.push(understood(`entry ${id} of ${stream}`, schema, text));
      } catch (error) {
        // Read again it would be no better, and what comes behind it must not wait for ever.
        this.options.onError(error);
      }
    }
    return { read, position: JSON.stringify({ id: last, read: Object.fromEntries(latest) }) };
  }
}

function understood<T>(what: string, schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text, textToNan));
  } catch (error) {
    throw new Error(`${what} is none of this version's: ${text.slice(0, 200)}`, { cause: error });
  }
}
