import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ExperimentError, type ErrorCode, type Problem } from '../kernel/errors.js';
import type { Clock } from '../kernel/clock.js';
import type { RunState } from '../observe/events.js';
import { RUN_FILES, writeWhole } from '../record/run-folder.js';
import { COMMANDS, type CommandDefinition } from './commands.js';
import { removeControlFile, writeControlFile } from './control-file.js';
import { EventStream } from './event-stream.js';
import type { RunControl } from './port.js';

/** Nobody but this machine. */
const HOST = '127.0.0.1';
const TOKEN_BYTES = 32;
/** A command is a few dozen bytes. */
const MOST_BODY_BYTES = 16 * 1024;

export interface ControlOptions {
  readonly run: RunControl;
  /** The run's folder: `control.json` and snapshots go there. */
  readonly folder: string;
  readonly clock: Clock;
}

/** A control API that listens. */
export interface ControlApi {
  readonly port: number;
  readonly token: string;
  /** Tells the watchers that this is the end, stops listening and takes `control.json` away. Idempotent. */
  close(): Promise<void>;
}

/** What every error answers. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly headline: string;
  readonly problems: readonly Problem[];
  /** Of the run, where the command did not fit it. */
  readonly state?: RunState;
}

/** Listens on a free port of this machine, and writes how to reach it into the run's folder. */
export async function openControlApi({ run, folder, clock }: ControlOptions): Promise<ControlApi> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const stream = new EventStream(run);
  const server = Fastify({ logger: false, bodyLimit: MOST_BODY_BYTES, forceCloseConnections: true });
  guard(server, token);
  answerErrors(server, run);
  server.get('/status', () => run.status());
  server.get('/events', (_request, reply) => {
    reply.hijack();
    stream.add(reply.raw);
  });
  const saveSnapshot = async (snapshot: object): Promise<string> => {
    const file = join(folder, RUN_FILES.snapshot);
    await writeWhole(file, `${JSON.stringify(snapshot)}\n`);
    return file;
  };
  for (const [name, definition] of Object.entries(COMMANDS)) {
    server.post(`/${name}`, async (request) => {
      const body = readBody(definition, request.body);
      if (name !== 'emergency-stop') refuseWhenOver(name, run);
      const answer = await definition.carryOut(run, body, { clock, saveSnapshot });
      return { state: run.status().state, ...answer };
    });
  }
  await server.listen({ host: HOST, port: 0 });
  const { port } = server.addresses()[0] as { port: number };
  await warmUp(port, token);
  await writeControlFile(folder, { pid: process.pid, port, token, experimentId: run.id, startedAt: clock.now() });
  return {
    port,
    token,
    close: async () => {
      stream.end();
      await server.close();
      await removeControlFile(folder);
    },
  };
}

/** The first request makes Node compile all that answers it (tens of ms): not while tasks are being dispatched. */
async function warmUp(port: number, token: string): Promise<void> {
  for (const path of ['status', 'nowhere']) {
    const response = await fetch(`http://${HOST}:${port}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    await response.text();
  }
}

function guard(server: FastifyInstance, token: string): void {
  const wanted = digest(`Bearer ${token}`);
  server.addHook('onRequest', (request, _reply, done) => {
    // Digests are of equal length whatever was sent, and comparing them takes the same time whatever they hold.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), wanted)) {
      done();
      return;
    }
    const problem = { path: 'authorization', message: 'must be Bearer and the token of control.json' };
    done(new ExperimentError('UNAUTHORISED', 'this run is controlled with a token, and this is not it', [problem]));
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readBody({ body }: CommandDefinition, given: unknown): unknown {
  const parsed = body.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    path: issue.path.length === 0 ? 'body' : issue.path.map(String).join('.'),
    message: issue.message,
  }));
  throw new ExperimentError('USAGE', 'the command is not understood', problems);
}

function refuseWhenOver(command: string, run: RunControl): void {
  const { state } = run.status();
  if (state !== 'stopped' && state !== 'aborted') return;
  throw new ExperimentError('WRONG_STATE', `cannot ${command}: the run is over`, [
    { path: command, value: state, message: 'its report is being written' },
  ]);
}

function answerErrors(server: FastifyInstance, run: RunControl): void {
  server.setNotFoundHandler((request, reply) => {
    const problem = { path: `${request.method} ${request.url}`, message: 'the control API has no such address' };
    return reply.code(404).send(errorBody(new ExperimentError('USAGE', 'no such command', [problem]), run));
  });
  server.setErrorHandler((error, _request, reply) => {
    const told = error instanceof ExperimentError ? error : fromServer(error);
    return reply.code(statusOf(told)).send(errorBody(told, run));
  });
}

/** What fastify itself refuses: a body that is no JSON, or too large. */
function fromServer(error: unknown): ExperimentError {
  const status = z.object({ statusCode: z.number().min(400).max(499) }).safeParse(error);
  const message = error instanceof Error ? error.message : String(error);
  return status.success
    ? new ExperimentError('USAGE', 'the command is not understood', [{ path: 'body', message }], { cause: error })
    : new ExperimentError('INTERNAL', 'the command failed', [{ path: 'run', message }], { cause: error });
}

function statusOf({ code }: ExperimentError): number {
  switch (code) {
    case 'UNAUTHORISED':
      return 401;
    case 'WRONG_STATE':
      return 409;
    case 'USAGE':
      return 400;
    case 'NO_SPACE':
      return 507;
    default:
      return 500;
  }
}

function errorBody({ code, headline, problems }: ExperimentError, run: RunControl): ErrorBody {
  return { code, headline, problems, ...(code === 'WRONG_STATE' ? { state: run.status().state } : {}) };
}
