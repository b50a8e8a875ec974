import { EXIT } from '../../kernel/errors.js';
import { SECOND } from '../../kernel/units.js';
import type { WatchMessage } from '../../control/client.js';
import type { RunStatus } from '../../control/port.js';
import { eventText } from '../event-text.js';
import type { Io } from '../io.js';
import { statusPanel } from '../panel.js';
import { progressLine } from '../progress.js';
import { ending, reach, type ControlFlags } from './control.js';

/** Where there is no terminal to draw on, a line this often, ms. */
const LINE_MS = 10 * SECOND;
/** Events shown below the panel. */
const MOST_EVENTS = 8;
/** The terminal's other screen: what was there before comes back at the end. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** The live view of a run, until it ends or Ctrl-C ends the watching (not the run). */
export async function watch(flags: ControlFlags, io: Io): Promise<number> {
  const { run, client } = await reach(flags, io);
  const calledOff = new AbortController();
  const release = io.onSignal(() => {
    calledOff.abort();
  });
  const view = io.stdout.terminal ? new Screen(io) : new Lines(io);
  let ended = false;
  view.open();
  try {
    for await (const message of client.watch(calledOff.signal)) {
      view.show(message);
      ended ||= message.type === 'end';
    }
  } finally {
    view.close();
    release();
  }
  if (calledOff.signal.aborted) return EXIT.met;
  io.stdout.write(`${ended ? 'The run is over.' : 'The run is gone.'} ${await ending(run, io)}\n`);
  return EXIT.met;
}

interface View {
  open(): void;
  show(message: WatchMessage): void;
  close(): void;
}

/** Draws the panel anew with every sample, the newest events below it. */
class Screen implements View {
  private status: RunStatus | null = null;
  private events: string[] = [];

  constructor(private readonly io: Io) {}

  open(): void {
    this.io.stdout.write(ENTER);
  }

  close(): void {
    this.io.stdout.write(LEAVE);
  }

  show(message: WatchMessage): void {
    if (message.type === 'event') {
      const text = eventText(message.event);
      if (text !== null) this.events = [...this.events, text].slice(-MOST_EVENTS);
    } else {
      this.status = message.status;
    }
    this.draw();
  }

  private draw(): void {
    const { columns } = this.io.stdout;
    if (this.status === null) return;
    const lines = [...statusPanel(this.status, columns), '', ...this.events.map((text) => text.slice(0, columns - 1))];
    this.io.stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('')}${CLEAR_BELOW}`);
  }
}

/** A line now and then, and one for every event. */
class Lines implements View {
  private writtenAt = -Infinity;

  constructor(private readonly io: Io) {}

  open(): void {
    // Nothing to prepare.
  }

  close(): void {
    // Nothing to put back.
  }

  show(message: WatchMessage): void {
    if (message.type === 'event') {
      const text = eventText(message.event);
      if (text !== null) this.io.stdout.write(`${text}\n`);
      return;
    }
    const now = this.io.clock.now();
    if (message.type === 'status' && now - this.writtenAt < LINE_MS) return;
    this.writtenAt = now;
    this.io.stdout.write(`${progressLine(message.status, 0)}\n`);
  }
}
