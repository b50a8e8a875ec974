import { pino, type DestinationStream, type Logger } from 'pino';
import type { RoleSettings } from './settings.js';

/** Keys whose values are never written, wherever they turn up near the top of a line. */
const REDACTED = ['password', 'token', 'secret', 'authorization', 'apiKey', 'payload', 'output'];

/** Shorter ones would black out half of every line. */
const SHORTEST_SECRET = 4;

/** Where lines go. */
export interface LogStream {
  write(line: string): void;
}

/**
 * The log of a role: one JSON object a line, with `time` in ISO 8601 and the level by name. Secrets of the environment
 * are masked wherever they appear, also inside an error's text; payloads and outputs of tasks are never written.
 */
export function openLog(role: string, settings: RoleSettings, stream: LogStream): Logger {
  const options = {
    level: settings.logLevel,
    base: { role, id: settings.id },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
  };
  return pino(options, masked(stream, settings.secrets));
}

function masked(stream: LogStream, secrets: readonly string[]): DestinationStream {
  // As they are, and as they look inside JSON. The longest first: one may be part of another.
  const written = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return {
    write: (line) => {
      let text = line;
      for (const secret of written) text = text.replaceAll(secret, '[redacted]');
      stream.write(text);
    },
  };
}
