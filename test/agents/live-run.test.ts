import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { FinishOutcome, QueueObserver } from '../../runtime/queue/port.js';
import type { AttemptResult } from '../../runtime/queue/task.js';
import { buildReport } from '../../runtime/report/build.js';
import type { ExperimentReport } from '../../runtime/report/model.js';
import { MIYABI } from '../../runtime/spec/executor.js';
import type { ExecutorRules } from '../../runtime/spec/executor-rules.js';
import type { Experiment } from '../../runtime/spec/experiment.js';
import { execute } from '../../runtime/targets/execute.js';
import { ExperimentRun } from '../../runtime/targets/experiment-run.js';
import { experiment } from '../support/experiment.js';
import { rehearse } from '../targets/rehearse.js';
import { AgentServer, json, success, type Answering } from './agent-server.js';
import { agentRules, commandRules, httpRules, providerRules } from './real-agents.js';

const STUB = resolve(__dirname, 'fixtures/miyabi.mjs');

/** A few seconds on a small fleet, with whatever agents. */
function liveSpec(
  executor: ExecutorRules,
  ratePerMin: number,
  durationMs: number,
  rest: Partial<Experiment> = {},
): Experiment {
  return experiment({
    durationMs,
    ratePerMin,
    fleet: { agents: 6, slots: 4, drainTimeoutMs: 60 * SECOND },
    tasks: { timeoutMs: 1_500 },
    queue: { backoff: { firstMs: 100, factor: 2, maxMs: SECOND } },
    rest: { executor, startAtMs: Date.now(), ...rest },
  });
}

interface Ended {
  readonly index: number;
  readonly result: AttemptResult;
  readonly outcome: FinishOutcome;
}

interface Lived {
  readonly report: ExperimentReport;
  readonly ended: readonly Ended[];
  readonly notes: readonly string[];
}

async function live(spec: Experiment, during: (run: ExperimentRun) => void = () => undefined): Promise<Lived> {
  const ended: Ended[] = [];
  const notes: string[] = [];
  const watch: QueueObserver = {
    submitted: () => undefined,
    started: () => undefined,
    finished: ({ task }, _agent, result, outcome) => ended.push({ index: task.index, result, outcome }),
    requeued: () => undefined,
  };
  const run = new ExperimentRun({
    experiment: spec,
    experimentId: 'live',
    target: 'local',
    clock: new RealClock(),
    sinks: [],
    faultLedger: new MemoryFaultLedger(),
    provenance: { version: '', commit: '', imageDigest: null, schemaVersion: 1, specHash: '', seed: 1 },
    observers: [watch],
    onError: (error) => notes.push(error instanceof Error ? error.message : String(error)),
  });
  during(run);
  const { input } = await run.carryOut();
  return { report: buildReport(input), ended, notes };
}

/** Nothing is lost, counted twice, or still held: no slot got stuck. */
function expectWholeLedger({ report }: Lived): void {
  const { ledger } = report;
  expect(ledger).toMatchObject({ lost: 0, doubleCounted: 0, queued: 0, leased: 0, shed: 0, balanced: true });
  expect(ledger.completed + ledger.failed).toBe(ledger.submitted);
}

/** How each task ended, and why; by what `kindOf` says of its index. */
function endsByKind({ ended }: Lived, kindOf: (index: number) => string): Record<string, string[]> {
  const found: Record<string, Set<string>> = {};
  for (const { index, result, outcome } of ended) {
    if (outcome === 'counted' || outcome === 'dead')
      (found[kindOf(index)] ??= new Set()).add(result.error ?? 'success');
  }
  return Object.fromEntries(Object.entries(found).map(([kind, reasons]) => [kind, [...reasons].sort()]));
}

describe('a run with the command executor', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'live-run-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('maps Miyabi’s answers, ends what hangs or forks, and loses nothing', async () => {
    const issues = [100, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 16];
    const spec = liveSpec(
      {
        type: 'command',
        ...agentRules({ values: { issue: issues } }),
        command: commandRules([process.execPath, STUB, ...MIYABI.run.slice(1)], {
          output: 'miyabi',
          exitCodes: MIYABI.exitCodes,
          env: { STUB_LOG: folder },
        }),
      },
      360,
      4 * SECOND,
      { queue: { ...experiment().queue, maxAttempts: 2, backoff: { firstMs: 100, factor: 1, maxMs: 100 } } },
    );
    const lived = await live(spec);

    expectWholeLedger(lived);
    const issueOf = (index: number): string => String(issues[index % issues.length]);
    expect(endsByKind(lived, issueOf)).toEqual({
      '100': ['success'],
      '1': ['exit_1'],
      '2': ['exit_2'],
      '3': ['exit_3'],
      '4': ['exit_4'],
      '5': ['exit_5'],
      '10': ['timeout'],
      '11': ['garbage_output'],
      '12': ['output_too_large'],
      '13': ['no_output'],
      '14': ['success'],
      '16': ['signal_sigsegv'],
    });
    const attemptsAt = (issue: string): number =>
      lived.ended.filter(({ index }) => issueOf(index) === issue).length /
      new Set(lived.ended.filter(({ index }) => issueOf(index) === issue).map(({ index }) => index)).size;
    expect([attemptsAt('1'), attemptsAt('2'), attemptsAt('4')]).toEqual([2, 1, 2]);
    expect(lived.report.usage).toMatchObject({ attempts: 2, inputTokens: 2_000, outputTokens: 200 });
    expect(lived.notes).toContainEqual(expect.stringMatching(/^attempts fail \(exit_2\): agent:missing_github_token/));

    const pids = readFileSync(join(folder, 'pids'), 'utf8').trimEnd().split('\n').map(Number);
    expect(pids.length).toBeGreaterThan(lived.ended.length);
    // What was killed takes a moment to be gone.
    for (let waits = 0; waits < 50 && pids.some((pid) => !isGone(pid, folder)); waits += 1) await sleep(100);
    expect(pids.filter((pid) => !isGone(pid, folder))).toEqual([]);
  }, 60_000);

  it('adds what agents report to the bill, and pauses when that reaches the cap', async () => {
    const spec = liveSpec(
      {
        type: 'command',
        ...agentRules(),
        command: commandRules([process.execPath, STUB, ...MIYABI.run.slice(1)], { output: 'miyabi' }),
      },
      120,
      30 * SECOND,
      // The machines of these few seconds would cost less than half of it.
      { budget: { ...experiment().budget, maxUsd: 0.04 } },
    );
    const { report } = await live(spec, (run) => {
      run.onEvent((event) => {
        if (event.type === 'run_state' && event.to === 'paused') setTimeout(() => run.stop('test'), 1_000);
      });
    });
    const { usd = 0, attempts = 0 } = report.usage ?? {};
    expect(report.states).toContainEqual(
      expect.objectContaining({ to: 'paused', reason: expect.stringContaining('cap') }),
    );
    expect(usd).toBeCloseTo(0.01 * attempts, 9);
    expect(attempts).toBeLessThan(20);
    expect(report.cost.parts.find(({ part }) => part === 'model calls')?.usd).toBeCloseTo(usd, 9);
  }, 60_000);

  it('refuses to begin, and leaves no folder, when a program or a key is missing', async () => {
    const key = { name: 'main', env: 'NO_SUCH_KEY_IS_SET', ratePerMin: 60, burst: 1 };
    const executor: ExecutorRules = {
      type: 'command',
      ...agentRules({ providers: [providerRules('acme', { keys: [key] })] }),
      command: commandRules(['no-such-program'], { cwd: '/no/such/folder' }),
    };
    const root = join(folder, 'results');
    const begin = execute({
      experiment: liveSpec(executor, 60, SECOND),
      target: 'local',
      out: null,
      root,
      onRun: () => undefined,
      onError: () => undefined,
    });
    const error: unknown = await begin.catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(ExperimentError);
    expect((error as ExperimentError).problems).toMatchObject([
      { path: 'executor.providers.acme.keys.main.env', value: 'NO_SUCH_KEY_IS_SET' },
      { path: 'executor.command.cwd', value: '/no/such/folder' },
      { path: 'executor.command.run', value: 'no-such-program' },
    ]);
    expect(existsSync(root)).toBe(false);
  });

  it('is simulated in a rehearsal, whatever the experiment says', async () => {
    const executor: ExecutorRules = { type: 'command', ...agentRules(), command: commandRules(['no-such-program']) };
    const { report } = await rehearse(experiment({ durationMs: MINUTE, rest: { executor } }));
    expect(report.ledger).toMatchObject({ submitted: 600, completed: 600, lost: 0 });
  });
});

describe('a run with the HTTP executor', () => {
  it('keeps to the limits of its keys, maps statuses, and loses nothing', async () => {
    const KINDS = ['ok', 'ok', '429', '500', 'slow', 'never', 'garbage', 'oversized', '400', 'later'];
    const kindOf = (index: number): string => KINDS[index % KINDS.length] ?? '';
    const refused = new Set<number>();
    const answer: Answering = (seen, response) => {
      if (seen.method === 'GET') {
        json(response, 200, { task_id: seen.path.split('/').at(-1), status: 'success' });
        return;
      }
      const index = seen.task?.metadata.index ?? 0;
      switch (kindOf(index)) {
        case '429':
          // Once for each task: then it is let through.
          if (refused.has(index)) json(response, 200, success(seen));
          else response.writeHead(429, { 'retry-after': '1' }).end();
          refused.add(index);
          return;
        case '500':
          response.writeHead(500).end();
          return;
        case 'slow':
          setTimeout(() => json(response, 200, success(seen, { input_tokens: 1_000_000, output_tokens: 0 })), 500);
          return;
        case 'never':
          return;
        case 'garbage':
          response.end('<html>Bad gateway</html>');
          return;
        case 'oversized':
          response.end('x'.repeat(50_000));
          return;
        case '400':
          json(response, 400, { error: 'bad issue' });
          return;
        case 'later':
          json(response, 202, {}, { location: `/tasks/${seen.task?.task_id ?? ''}` });
          return;
        default:
          json(response, 200, success(seen));
      }
    };
    const server = await AgentServer.start(answer);
    const RATE = 480;
    const keys = ['a', 'b'].map((name) => ({ name, env: null, ratePerMin: RATE, burst: 1 }));
    try {
      const spec = liveSpec(
        { type: 'http', ...agentRules({ providers: [providerRules('acme', { keys })] }), http: httpRules(server.url) },
        900,
        2 * SECOND,
        {
          budget: {
            maxUsd: 1_000,
            maxPerHourUsd: null,
            region: 'us-central1',
            modelUsdPerMillionTokens: { input: 3, output: 15 },
          },
        },
      );
      const lived = await live(spec);

      expectWholeLedger(lived);
      expect(endsByKind(lived, kindOf)).toEqual({
        ok: ['success'],
        '429': ['success'],
        '500': ['http_500'],
        slow: ['success'],
        never: ['timeout'],
        garbage: ['garbage_output'],
        oversized: ['response_too_large'],
        '400': ['http_400'],
        later: ['success'],
      });
      // Tokens without dollars are priced by the experiment.
      expect(lived.report.usage).toEqual({ attempts: 3, inputTokens: 3_000_000, outputTokens: 0, usd: 9 });
      // More was to be done than the keys allow, so some were put off; no attempt was lost by that.
      expect(lived.ended.some(({ result }) => result.deferred === true)).toBe(true);
      const posts = server.seen.filter(({ method }) => method === 'POST');
      for (const { name } of keys) {
        const times = posts.filter(({ headers }) => headers['x-api-key-name'] === name).map(({ at }) => at);
        expect(times.length).toBeGreaterThan(10);
        expectLimited(times, RATE);
      }
    } finally {
      await server.close();
    }
  }, 60_000);

  it('leaves a failing server alone while its circuit is open', async () => {
    const server = await AgentServer.start((_, response) => response.writeHead(500).end());
    try {
      const spec = liveSpec(
        {
          type: 'http',
          ...agentRules({ providers: [providerRules('acme', { breaker: { failures: 3, openMs: 60 * SECOND } })] }),
          http: httpRules(server.url),
        },
        600,
        2 * SECOND,
        { fleet: { ...experiment().fleet, agents: 1, slots: 1, drainTimeoutMs: 200 } },
      );
      const { report, ended } = await live(spec);
      expect(server.seen).toHaveLength(3);
      expect(report.ledger).toMatchObject({ lost: 0, doubleCounted: 0, balanced: true });
      expect(ended.filter(({ result }) => result.error === 'circuit_open').length).toBeGreaterThan(5);
      // Put off, not failed: they are still there when the run ends.
      expect(report.ledger.failed).toBe(0);
    } finally {
      await server.close();
    }
  }, 60_000);
});

/** How much later a request may be seen than it was let go, on a busy machine, ms. */
const JITTER_MS = 150;

/** No window holds more requests than the key's limit allows in it. */
function expectLimited(times: readonly number[], ratePerMin: number): void {
  const intervalMs = 60_000 / ratePerMin;
  for (const [first, from] of times.entries()) {
    for (const [offset, to] of times.slice(first).entries()) {
      expect(offset).toBeLessThanOrEqual((to - from + JITTER_MS) / intervalMs);
    }
  }
}

/**
 * Zombies count: they do nothing any more, and wait for a parent that has not looked. So do numbers that somebody else's
 * process has by now: those of this test know its folder.
 */
function isGone(pid: number, folder: string): boolean {
  try {
    if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return true;
    return !readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
  } catch {
    return true;
  }
}
