import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Clock } from '../kernel/clock.js';
import { EXIT, ExperimentError } from '../kernel/errors.js';
import { specHash } from '../spec/spec-hash.js';
import { RoleHttpServer, say } from './http-server.js';
import { openLog, type LogStream } from './log.js';
import { addProcessMetrics } from './process-metrics.js';
import { readSpec } from './read-spec.js';
import type { Role, RoleHost, RoleIdentity, RunningRole } from './role.js';
import { readRoleSettings, type RoleSettings } from './settings.js';

/** How long a role may take to end what it has started elsewhere when its process ends at once, ms. */
const ABORT_MS = 1_000;

/** What a role's process has of the world around it. */
export interface RoleWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Arguments after `role NAME`. */
  readonly args: readonly string[];
  readonly pid: number;
  readonly clock: Clock;
  readonly stdout: LogStream;
  /** Tells of SIGTERM and SIGINT until the function it answers is called. */
  onSignal(listener: (signal: string) => void): () => void;
  /** Tells when standard input ends: whoever started this process is gone. */
  onParentGone(listener: () => void): () => void;
  /** Tells of errors nobody caught until the function it answers is called. */
  onCrash(listener: (error: unknown) => void): () => void;
}

/**
 * Runs one role until it is told to end, ends by itself, or breaks; answers the process' exit code: 0 after a drain in
 * time, 1 when something broke or was not done in time, 2 on bad input. Never rejects.
 *
 * Served meanwhile: `GET /healthz` (200 while the event loop turns), `/readyz` (200 from start to drain, else 503),
 * `/drain` (begins draining; the pods' preStop), `/metrics`.
 */
export async function runRole(name: string, load: () => Promise<Role>, world: RoleWorld): Promise<number> {
  let log: Logger | null = null;
  try {
    const settings = readRoleSettings(world.env, `${name}-${world.pid}`);
    log = openLog(name, settings, world.stdout);
    const [role, process] = [await load(), new RoleProcess(name, settings, log, world)];
    return await process.run(role);
  } catch (error) {
    if (log === null) world.stdout.write(`${JSON.stringify({ level: 'fatal', role: name, msg: textOf(error) })}\n`);
    else log.fatal(error instanceof ExperimentError ? { code: error.code } : { err: error }, textOf(error));
    return error instanceof ExperimentError ? error.exitCode : 1;
  }
}

/** One run of one role: its HTTP server, and the ways in which it ends. */
class RoleProcess {
  private readonly http = new RoleHttpServer((error) => {
    this.log.error({ err: error }, 'a request failed');
  });
  private readonly metrics = new Registry();
  private readonly ended: Promise<number>;
  private end: (exitCode: number) => void = () => undefined;
  private fail: (error: unknown) => void = () => undefined;
  private running: RunningRole | null = null;
  private drained: Promise<void> | null = null;
  private told = false;
  /** It has ended in order: nothing of it is left. */
  private finished = false;

  constructor(
    private readonly name: string,
    private readonly settings: RoleSettings,
    private readonly log: Logger,
    private readonly world: RoleWorld,
  ) {
    this.ended = new Promise((resolve, reject) => {
      [this.end, this.fail] = [resolve, reject];
    });
  }

  async run(role: Role): Promise<number> {
    const { world } = this;
    const quiet = [
      world.onSignal((signal) => {
        this.onSignal(signal);
      }),
      world.onCrash((error) => {
        this.fail(error);
      }),
    ];
    if (this.settings.endsWithStdin) {
      quiet.push(
        world.onParentGone(() => {
          this.log.error('whoever started this process is gone: it ends with it');
          this.end(EXIT.aborted);
        }),
      );
    }
    try {
      await this.serve();
      role.start(await this.host()).then((running) => {
        this.onStarted(running);
      }, this.fail);
      return await this.ended;
    } finally {
      for (const stop of quiet) stop();
      this.http.close();
      if (!this.finished) await this.abort();
    }
  }

  /** Lets the role end what would live on without it. */
  private async abort(): Promise<void> {
    const late = this.world.clock.sleep(ABORT_MS);
    const aborted = this.running?.abort?.() ?? Promise.resolve();
    await Promise.race([aborted, late]).catch((error: unknown) => {
      this.log.error({ err: error }, 'not everything could be ended');
    });
  }

  private async serve(): Promise<void> {
    const { http, metrics, settings } = this;
    addProcessMetrics(metrics);
    http.on('GET /healthz', (_request, response) => {
      say(response, 200, 'live');
    });
    http.on('GET /readyz', (_request, response) => {
      const [ready, why] = this.readiness();
      say(response, ready ? 200 : 503, why);
    });
    http.on('GET /drain', (_request, response) => {
      this.drain();
      say(response, 200, 'draining');
    });
    http.on('GET /metrics', async (_request, response) => {
      const text = await metrics.metrics();
      response.writeHead(200, { 'content-type': metrics.contentType });
      response.end(text);
    });
    const { listenHost, healthPort, metricsPort } = settings;
    const health = await http.listen('HEALTH_PORT', listenHost, healthPort);
    const beside = metricsPort === null ? health : await http.listen('METRICS_PORT', listenHost, metricsPort);
    this.log.info({ host: listenHost, healthPort: health, metricsPort: beside }, 'listening');
  }

  private async host(): Promise<RoleHost> {
    const { settings, log, metrics, http, world } = this;
    const experiment = await readSpec(settings.specFile, settings.specHash);
    const identity: RoleIdentity = {
      role: this.name,
      id: settings.id,
      incarnation: Math.floor(world.clock.now() * 1_000),
      zone: settings.zone,
      node: settings.node,
      runId: settings.runId ?? specHash(experiment).slice(0, 12),
    };
    return {
      experiment,
      identity,
      args: world.args,
      clock: world.clock,
      log,
      metrics,
      redis: settings.redis,
      journalFolder: settings.journalFolder,
      environment: world.env,
      requireRedis: () => {
        if (settings.redis !== null) return settings.redis;
        const message = 'is not set: this role works on Redis';
        const hint = 'REDIS_NODES=HOST:PORT[,HOST:PORT…], with REDIS_USERNAME and REDIS_PASSWORD where they are needed';
        throw new ExperimentError('USAGE', 'The environment of this role is not right', [
          { path: 'REDIS_NODES', message, hint },
        ]);
      },
      serve: (route, handler) => {
        http.on(route, handler);
      },
      fail: (error) => {
        this.fail(error);
      },
    };
  }

  private readiness(): [boolean, string] {
    if (this.running === null) return [false, 'starting'];
    if (this.drained !== null) return [false, 'draining'];
    return this.running.isReady?.() === false ? [false, 'not ready'] : [true, 'ready'];
  }

  private onStarted(running: RunningRole): void {
    this.running = running;
    this.log.info('started');
    running.finished?.then((exitCode) => {
      this.finished = true;
      this.end(exitCode);
    }, this.fail);
    // It was asked to before it had anything to drain.
    if (this.drained === null) return;
    this.drained = null;
    this.drain();
  }

  /** Begins once; a role that has not started yet does so as soon as it has. */
  private drain(): void {
    if (this.drained !== null) return;
    this.log.info('draining');
    this.drained = this.running?.drain() ?? Promise.resolve();
    // Whether it went well is looked at when the process is told to end.
    this.drained.catch((error: unknown) => {
      this.log.error({ err: error }, 'draining failed');
    });
  }

  private onSignal(signal: string): void {
    const { running, log } = this;
    if (this.told) {
      log.warn({ signal }, 'told to end a second time: at once');
      this.end(EXIT.aborted);
      return;
    }
    this.told = true;
    log.info({ signal }, 'told to end');
    this.drain();
    if (running === null || this.drained === null) {
      this.end(EXIT.met);
      return;
    }
    const timer = this.world.clock.after(running.drainTimeoutMs, () => {
      log.error({ drainTimeoutMs: running.drainTimeoutMs }, 'not drained in time');
      this.end(1);
    });
    this.drained
      .finally(() => {
        timer.cancel();
      })
      .then(() => {
        log.info('drained');
        this.finished = true;
        this.end(EXIT.met);
      }, this.fail);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
