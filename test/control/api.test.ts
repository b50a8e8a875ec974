import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControlApi, type ControlApi } from '../../runtime/control/api.js';
import { RealClock } from '../../runtime/kernel/real-clock.js';
import { FakeRun } from './fake-run.js';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly file: string;
    readonly problems: readonly { readonly path: string }[];
  };
}

describe('the control API of a run', () => {
  let folder: string;
  let run: FakeRun;
  let api: ControlApi;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'control-'));
    run = new FakeRun();
    api = await openControlApi({ run, folder, clock: new RealClock() });
  });

  afterEach(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  async function ask(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = { authorization: `Bearer ${api.token}` },
  ): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${api.port}/${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  const post = (path: string, body?: object) =>
    ask('POST', path, body === undefined ? undefined : JSON.stringify(body));

  test('writes how to reach it where only the owner may read it, and takes that away at the end', async () => {
    const file = join(folder, 'control.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      pid: process.pid,
      port: api.port,
      token: api.token,
      experimentId: run.id,
    });
    await api.close();
    expect(existsSync(file)).toBe(false);
  });

  test('has a token of 32 bytes, another one for every run', async () => {
    expect(Buffer.from(api.token, 'base64url')).toHaveLength(32);
    const other = await openControlApi({ run, folder, clock: new RealClock() });
    expect(other.token).not.toBe(api.token);
    await other.close();
  });

  test.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer of-bad-news' }],
    ['a token of another kind', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['a longer token', { authorization: `Bearer ${'x'.repeat(5_000)}` }],
  ])('answers 401 to %s, whatever is asked', async (_what, headers: Record<string, string>) => {
    for (const [method, path] of [
      ['GET', 'status'],
      ['GET', 'events'],
      ['POST', 'emergency-stop'],
      ['GET', 'nowhere'],
    ] as const) {
      const answer = await ask(method, path, undefined, headers);
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHORISED' } });
    }
    expect(run.calls).toEqual([]);
  });

  test('tells the state of the run', async () => {
    expect(await ask('GET', 'status')).toEqual({ status: 200, body: run.status() });
  });

  test('hands every command to the run, in the name of the operator, and answers its state', async () => {
    expect(await post('scale', { agents: 60 })).toEqual({ status: 200, body: { state: 'running', agents: 60 } });
    expect((await post('chaos', { on: true })).body).toEqual({ state: 'running', on: true, halted: null });
    expect((await post('pause')).body).toEqual({ state: 'paused' });
    expect((await post('resume', {})).body).toEqual({ state: 'running' });
    expect((await post('drain', { timeoutMs: 5_000 })).body).toEqual({ state: 'draining' });
    expect((await post('stop')).body).toEqual({ state: 'stopped' });
    expect(run.calls).toEqual([
      ['scale', 'operator', 60],
      ['chaos', 'operator', true],
      ['pause', 'operator'],
      ['resume', 'operator'],
      ['drain', 'operator', 5_000, false],
      ['stop', 'operator'],
    ]);
  });

  test('says why chaos stays off', async () => {
    run.chaosHalted = 'error rate too high';
    expect((await post('chaos', { on: true })).body).toMatchObject({ on: false, halted: 'error rate too high' });
  });

  test('writes a snapshot into the folder of the run', async () => {
    const { body } = await post('snapshot');
    expect(body.file).toBe(join(folder, 'snapshot.json'));
    expect(JSON.parse(readFileSync(body.file, 'utf8'))).toEqual({ schemaVersion: 1 });
  });

  test.each([
    ['scale', '{"agents": 0}', 'agents'],
    ['scale', '{"agents": 2.5}', 'agents'],
    ['scale', '{"agents": 251}', 'agents'],
    ['scale', '{}', 'agents'],
    ['scale', '{"agents": 5, "force": true}', 'body'],
    ['drain', '{"timeoutMs": -1}', 'timeoutMs'],
    ['drain', '{"timeoutMs": 1e12}', 'timeoutMs'],
    ['chaos', '{"on": "yes"}', 'on'],
    ['pause', '[]', 'body'],
    ['pause', '{"agents": ', 'body'],
    ['pause', `{"x": "${'x'.repeat(20_000)}"}`, 'body'],
  ])('answers 400 to %s with %s, and says what is wrong', async (path, body, where) => {
    const answer = await ask('POST', path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'USAGE' } });
    expect(answer.body.problems[0]?.path).toBe(where);
    expect(run.calls).toEqual([]);
  });

  test('answers 409 with the state to a command that does not fit it', async () => {
    run.state = 'draining';
    expect(await post('pause')).toMatchObject({
      status: 409,
      body: { code: 'WRONG_STATE', headline: 'cannot pause: the run is draining', state: 'draining' },
    });
  });

  test.each(['stopped', 'aborted'] as const)('takes nothing from anybody once the run is %s', async (state) => {
    run.state = state;
    for (const path of ['pause', 'resume', 'stop', 'snapshot']) {
      expect(await post(path)).toMatchObject({ status: 409, body: { state } });
    }
    expect(run.calls).toEqual([]);
  });

  test('an emergency stop may be repeated, and tells how long the halt took', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await post('emergency-stop');
      expect({ status, state: body['state'] }).toEqual({ status: 200, state: 'aborted' });
      expect(body['timeToHaltMs']).toBeGreaterThanOrEqual(0);
    }
  });

  test('answers 404 to what it does not know', async () => {
    expect(await post('self-destruct')).toMatchObject({ status: 404, body: { code: 'USAGE' } });
  });

  test('a failure of the run itself is 500 and goes no further', async () => {
    run.resume = () => {
      throw new Error('out of luck');
    };
    expect(await post('resume')).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    expect((await ask('GET', 'status')).status).toBe(200);
  });
});
