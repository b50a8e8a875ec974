import { openLog } from '../../runtime/roles/log.js';
import { readRoleSettings } from '../../runtime/roles/settings.js';

function stage(env: Record<string, string>) {
  const lines: string[] = [];
  const log = openLog('agent', readRoleSettings(env, 'agent-1'), { write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('log of a role', () => {
  it('is one JSON object a line, with the level by name and the time as ISO 8601', () => {
    const { log, last, lines } = stage({});
    log.info({ tasks: 3 }, 'started');
    expect(last()).toMatchObject({ level: 'info', role: 'agent', id: 'agent-1', tasks: 3, msg: 'started' });
    expect(new Date(String(last()['time'])).toISOString()).toBe(last()['time']);
    log.debug('not at this level');
    expect(lines).toHaveLength(1);
  });

  it('never shows a secret of the environment, wherever it turns up', () => {
    const secret = 'pa"ss\\word';
    const { log, lines } = stage({ REDIS_PASSWORD: secret, CONTROL_TOKEN: 'tok-en', LOG_LEVEL: 'debug' });
    log.error(
      { err: new Error(`redis://user:${secret}@host`), deep: { in: ['x', secret] } },
      `with ${secret} and tok-en`,
    );
    expect(lines.join('')).not.toContain('tok-en');
    expect(lines.join('')).not.toContain(JSON.stringify(secret).slice(1, -1));
    expect(lines.join('')).toContain('[redacted]');
  });

  it('never shows what is kept under the name of a secret, nor payloads and outputs of tasks', () => {
    const { log, lines } = stage({});
    log.info({ password: 'one-1', options: { token: 'two-2' }, task: { payload: 'three-3' }, output: 'four-4' }, 'x');
    expect(lines.join('')).not.toMatch(/one-1|two-2|three-3|four-4/);
  });
});
