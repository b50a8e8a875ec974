import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../kernel/clock.js';
import { ExperimentError } from '../../kernel/errors.js';
import { ToxiproxyClient } from './toxiproxy-client.js';

/** A toxiproxy that can be used. */
export interface Toxiproxy {
  readonly client: ToxiproxyClient;
  /** Ends it, where we have started it. Idempotent. */
  close(): Promise<void>;
}

export interface ToxiproxyServerOptions {
  /** Where there is one; null = one is started. */
  readonly url: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Told when one that we have started ends by itself. */
  readonly onError: (error: unknown) => void;
}

const PROGRAM = 'toxiproxy-server';
const START_MS = 5_000;
const LOOK_MS = 50;
/** Somebody else may take the port that was free a moment ago. */
const TRIES = 3;

/**
 * Runs the arguments as a program and ends it when standard input ends, which it does when we do, however we die. Ends
 * itself when the program does.
 */
const GUARD = `exec 3<&0
"$@" < /dev/null 3<&- & server=$!
{ cat <&3 > /dev/null; kill -9 $server 2> /dev/null; } > /dev/null 2>&1 &
wait $server`;

/** The program where one is installed: $TOXIPROXY_SERVER, else the first on PATH; null = there is none. */
export function findToxiproxy(environment: Readonly<Record<string, string | undefined>>): string | null {
  const named = environment['TOXIPROXY_SERVER'];
  if (named !== undefined && named !== '') return isProgram(named) ? named : null;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, PROGRAM)).find(isProgram) ?? null;
}

/**
 * The toxiproxy at `url`, or one started for us, which ends when we do.
 *
 * @throws ExperimentError NO_ANSWER when it does not answer, CONFIG_INVALID when there is none that could be started.
 */
export async function openToxiproxy(options: ToxiproxyServerOptions): Promise<Toxiproxy> {
  const { url, environment, clock } = options;
  if (url !== null) {
    const client = new ToxiproxyClient(url, clock);
    try {
      await client.version();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const hint = 'is toxiproxy-server running, and is this where its API listens?';
      throw new ExperimentError('NO_ANSWER', 'toxiproxy does not answer', [{ path: url, message, hint }], { cause });
    }
    return { client, close: () => Promise.resolve() };
  }
  const program = findToxiproxy(environment);
  if (program === null) {
    throw new ExperimentError('CONFIG_INVALID', 'There is no toxiproxy for faults of the network', [
      { path: 'TOXIPROXY_SERVER', message: `no executable ${PROGRAM} was found`, hint: TOXIPROXY_HINT },
    ]);
  }
  for (let attempt = 1; ; attempt += 1) {
    const server = new ServerProcess(program, await freePort(), options);
    const failure = await server.started();
    if (failure === null) return server;
    await server.close();
    if (attempt < TRIES) continue;
    throw new ExperimentError('NO_ANSWER', 'toxiproxy could not be started', [{ path: program, message: failure }]);
  }
}

/** What helps when there is no toxiproxy. */
export const TOXIPROXY_HINT = `install ${PROGRAM} (it is looked for on PATH and in $TOXIPROXY_SERVER), or name one that runs: --toxiproxy http://HOST:8474`;

class ServerProcess implements Toxiproxy {
  readonly client: ToxiproxyClient;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private lastWords = '';
  private over = false;
  private closing = false;
  private serving = false;

  constructor(
    program: string,
    port: number,
    private readonly options: Omit<ToxiproxyServerOptions, 'url'>,
  ) {
    const { environment, clock, onError } = options;
    this.client = new ToxiproxyClient(`http://127.0.0.1:${port}`, clock);
    const args = ['-c', GUARD, 'guard', program, '-host', '127.0.0.1', '-port', String(port)];
    // Out of our group: Ctrl-C at the terminal is for the run to answer.
    this.child = spawn('/bin/sh', args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: environment['PATH'] },
    });
    this.child.stdin?.on('error', () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.lastWords = (this.lastWords + text).slice(-500);
      });
    }
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.over = true;
        resolve();
      };
      this.child.once('error', (error) => {
        this.lastWords = error.message;
        end();
      });
      this.child.once('exit', (code, signal) => {
        const running = !this.over && this.serving;
        end();
        if (running && !this.closing) {
          onError(new Error(`toxiproxy has ended (${signal ?? `exit code ${String(code)}`}): ${this.lastWords}`));
        }
      });
    });
  }

  /** Resolves when it answers, or with why it does not. */
  async started(): Promise<string | null> {
    for (let waited = 0; waited < START_MS; waited += LOOK_MS) {
      if (this.over) return `it has ended: ${this.lastWords}`;
      try {
        await this.client.version();
        this.serving = true;
        return null;
      } catch {
        await this.options.clock.sleep(LOOK_MS);
      }
    }
    return `it does not answer within ${START_MS} ms`;
  }

  async close(): Promise<void> {
    this.closing = true;
    this.child.stdin?.end();
    await this.ended;
  }
}

/** A port that is free at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
