import type { Clock } from '../kernel/clock.js';
import { RealClock } from '../kernel/real-clock.js';

/** A stream of text to the person (or program) at the other end. */
export interface Output {
  write(text: string): void;
  /** A terminal: lines may be redrawn. */
  readonly terminal: boolean;
  /** ANSI colours are welcome. */
  readonly color: boolean;
  /** Width in characters; the terminal's own, which may change. */
  readonly columns: number;
}

/** What the command line has of the world around it; a test gives it another one. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Relative paths are those of this folder. */
  readonly cwd: string;
  /** Real time, for refresh rates and time limits. */
  readonly clock: Clock;
  /** Tells of Ctrl-C, SIGTERM and SIGHUP until the function it answers is called. */
  onSignal(listener: (signal: string) => void): () => void;
  /** Tells of errors nobody caught until the function it answers is called. */
  onCrash(listener: (error: unknown) => void): () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const DEFAULT_COLUMNS = 100;

/** The world of this process. A reader that goes away (`| head`) ends nothing: what is written then is dropped. */
export function processIo(): Io {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    cwd: process.cwd(),
    clock: new RealClock(),
    onSignal: (listener) => {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
    onCrash: (listener) => {
      process.on('uncaughtException', listener);
      process.on('unhandledRejection', listener);
      return () => {
        process.off('uncaughtException', listener);
        process.off('unhandledRejection', listener);
      };
    },
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  let gone = false;
  stream.on('error', () => {
    gone = true;
  });
  return {
    write: (text) => {
      if (!gone) stream.write(text);
    },
    terminal: stream.isTTY,
    color: stream.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    get columns() {
      return stream.isTTY ? stream.columns : DEFAULT_COLUMNS;
    },
  };
}
