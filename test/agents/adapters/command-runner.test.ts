import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandRunner } from '../../../runtime/agents/adapters/command-runner.js';
import { Secrets } from '../../../runtime/agents/adapters/secrets.js';
import type { ApiKeyName, Ending, Running } from '../../../runtime/agents/port.js';
import { TaskWriter } from '../../../runtime/agents/wire-task.js';
import { RealClock } from '../../../runtime/kernel/real-clock.js';
import { MIYABI } from '../../../runtime/spec/executor.js';
import type { CommandRules, ExecutorRules } from '../../../runtime/spec/executor-rules.js';
import { experiment } from '../../support/experiment.js';
import { agentRules, commandRules, leaseOf, providerRules } from '../real-agents.js';

const STUB = resolve(__dirname, '../fixtures/miyabi.mjs');
const clock = new RealClock();

let folder: string;
let runner: CommandRunner | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-runner-'));
});

afterEach(async () => {
  await runner?.close();
  runner = null;
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly running: Running;
  readonly ended: Promise<Ending>;
}

const MIYABI_RULES: Partial<CommandRules> = {
  output: 'miyabi',
  exitCodes: MIYABI.exitCodes,
  passEnv: ['PATH', 'GITHUB_TOKEN'],
};

/** Gives issue `issue` to the stub, as the preset does. */
function run(issue: number, changes: Partial<CommandRules> = {}, key: ApiKeyName | null = null): Ran {
  const rules = commandRules([process.execPath, STUB, ...MIYABI.run.slice(1)], {
    ...MIYABI_RULES,
    env: { STUB_LOG: folder },
    ...changes,
  });
  return give(rules, issue, key);
}

function give(rules: CommandRules, issue: number, key: ApiKeyName | null = null): Ran {
  const executor: ExecutorRules = {
    type: 'command',
    ...agentRules({
      values: { issue: [issue] },
      providers: [
        providerRules('acme', {
          sendAs: 'MODEL_KEY',
          keys: [{ name: 'main', env: 'ACME_1', ratePerMin: 60, burst: 1 }],
        }),
      ],
    }),
    command: rules,
  };
  const environment = {
    PATH: process.env['PATH'],
    GITHUB_TOKEN: 'very-secret',
    ACME_1: 'key-of-acme',
    REDIS_PASSWORD: 'no',
  };
  runner = new CommandRunner({
    rules,
    clock,
    environment,
    secrets: new Secrets(executor, environment),
    onError: (error) => {
      throw error;
    },
  });
  const lease = leaseOf(3);
  const order = {
    ...new TaskWriter(experiment(), executor).write(lease),
    attemptId: lease.attemptId,
    agentId: 'a',
    key,
  };
  const end = clock.deferred<Ending>();
  let endings = 0;
  const running = runner.start(order, (ending) => {
    endings += 1;
    if (endings > 1) throw new Error('ended twice');
    end.resolve(ending);
  });
  return { running, ended: end.promise };
}

function noted(file: string): unknown[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function alive(pid: number): boolean {
  try {
    // A zombie whose parent has not looked yet does nothing any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    if (waited > 20_000) throw new Error(`not within 20 s: ${what}`);
    await clock.sleep(20);
  }
}

const pids = (): number[] => noted('pids') as number[];
const nobodyIsLeft = (count: number): Promise<void> =>
  until(() => pids().length >= count && !pids().some(alive), `${count} processes gone`);

describe('command runner', () => {
  it('gives the task on standard input and takes the result from standard output', async () => {
    const { ended } = run(100, {}, { provider: 'acme', key: 'main' });
    expect(await ended).toEqual({
      status: 'success',
      error: null,
      retryAfterMs: 0,
      final: false,
      verdict: 'ok',
      detail: null,
      usage: { inputTokens: 1_000, outputTokens: 100, usd: 0.01 },
    });
    expect(noted('calls')).toMatchObject([
      {
        command: 'agent',
        action: 'run',
        type: 'codegen',
        issue: 100,
        json: true,
        task: { agent_type: 'codegen', priority: 'P2', metadata: { index: 3, attempt: 1 } },
        provider: 'acme',
        key: 'main',
        secret: 'key-of-acme',
      },
    ]);
  });

  it('hands on no more of our environment than it is told to', async () => {
    await run(100).ended;
    const [call] = noted('calls') as Array<{ environment: string[]; secret: string | null }>;
    expect(call?.environment).toEqual([
      'AGENT_EXPERIMENT_PROCESS',
      'AGENT_TASK_ID',
      'GITHUB_TOKEN',
      'PATH',
      'STUB_LOG',
    ]);
    expect(call?.secret).toBeNull();
  });

  it.each([
    [1, { error: 'exit_1', final: false, verdict: 'ok' }],
    [2, { error: 'exit_2', final: true, verdict: 'ok' }],
    [3, { error: 'exit_3', final: true, verdict: 'ok' }],
    [4, { error: 'exit_4', final: false, verdict: 'failed' }],
    [5, { error: 'exit_5', final: true, verdict: 'ok' }],
  ])('takes Miyabi’s exit code %i for what it means', async (code, expected) => {
    const ending = await run(code).ended;
    expect(ending).toMatchObject({ status: 'failed', ...expected });
    expect(ending.detail).toMatch(/^agent:[a-z_]+: it was [A-Z_]+ \(try something else\)$/);
  });

  it('keeps the end of standard error as the reason, without secrets', async () => {
    const ending = await run(1, { output: 'none' }).ended;
    expect(ending.detail).toBe('failed with GITHUB_TOKEN=[redacted]');
  });

  it.each([
    ['garbage', 11, 'garbage_output'],
    ['too much', 12, 'output_too_large'],
    ['nothing', 13, 'no_output'],
    ['a fatal signal', 16, 'signal_sigsegv'],
    ['a refusal with exit code 0', 17, 'agent:quality'],
  ])('fails an attempt that answers with %s', async (_what, issue, error) => {
    expect(await run(issue).ended).toMatchObject({ status: 'failed', error, final: issue === 17 });
    await nobodyIsLeft(1);
  });

  it('fails an attempt whose result belongs to another task', async () => {
    const script = 'console.log(JSON.stringify({ task_id: "other", status: "success" }))';
    const { ended } = give(commandRules([process.execPath, '-e', script]), 1);
    expect(await ended).toMatchObject({ status: 'failed', error: 'foreign_result' });
  });

  it('finds the result in the last line of a program that chats', async () => {
    const script =
      'const t = JSON.parse(require("fs").readFileSync(0)); console.log("hello"); ' +
      'console.log(JSON.stringify({ task_id: t.task_id, status: "failed", error: { code: "No Idea", message: "hm" } }))';
    const { ended } = give(commandRules([process.execPath, '-e', script]), 1);
    expect(await ended).toMatchObject({ status: 'failed', error: 'agent:no_idea', detail: 'hm' });
  });

  it('says that a program is not there', async () => {
    const { ended } = give(commandRules(['/no/such/program']), 1);
    expect(await ended).toMatchObject({
      status: 'failed',
      error: 'not_started',
      detail: expect.stringContaining('ENOENT'),
    });
  });

  it('ends a program that hangs and ignores SIGTERM, with children and daemons', async () => {
    const { running, ended } = run(10);
    await until(() => pids().length === 3, 'three processes');
    expect(pids().every(alive)).toBe(true);
    running.stop();
    expect(await ended).toMatchObject({ status: 'failed' });
    await nobodyIsLeft(3);
  });

  it('ends everything at an abort, and tells nobody', async () => {
    const { running, ended } = run(10);
    await until(() => pids().length === 3, 'three processes');
    running.abort();
    await nobodyIsLeft(3);
    expect(await Promise.race([ended, clock.sleep(100)])).toBeUndefined();
  });

  it('takes the result of a program that leaves daemons behind, and clears them away', async () => {
    const { ended } = run(14);
    expect(await ended).toMatchObject({ status: 'success' });
    await nobodyIsLeft(3);
  });

  it('leaves nothing running when its own process is killed', async () => {
    const agent = spawn(process.execPath, ['--import', 'tsx', resolve(__dirname, '../fixtures/command-agent.ts')], {
      env: { ...process.env, STUB_LOG: folder },
      stdio: 'ignore',
    });
    await until(() => pids().length === 3, 'three processes');
    expect(pids().every(alive)).toBe(true);
    agent.kill('SIGKILL');
    await nobodyIsLeft(3);
  });

  it('ends everything when it is closed', async () => {
    run(10);
    await until(() => pids().length === 3, 'three processes');
    await runner?.close();
    await nobodyIsLeft(3);
  });

  it('ends a program that takes more memory than it may', async () => {
    const { ended } = run(15, { memoryBytes: 200 * 2 ** 20 });
    expect(await ended).toMatchObject({ status: 'failed', error: 'memory_limit' });
    await nobodyIsLeft(1);
  });

  it('stops a frozen program in its tracks, and lets it go on', async () => {
    const { running, ended } = run(18);
    await until(() => noted('calls').length === 1, 'a call');
    running.freeze();
    expect(await Promise.race([ended, clock.sleep(1_000)])).toBeUndefined();
    running.thaw();
    expect(await ended).toMatchObject({ status: 'success' });
  });
});
