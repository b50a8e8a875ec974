import { eventText } from '../../runtime/cli/event-text.js';
import { nextSteps } from '../../runtime/cli/next-steps.js';
import { statusPanel } from '../../runtime/cli/panel.js';
import { clockText, progressLine, secondsText } from '../../runtime/cli/progress.js';
import { shellWord, shownPath } from '../../runtime/cli/shown.js';
import { DAY, HOUR, MINUTE, SECOND } from '../../runtime/kernel/units.js';
import type { ExperimentEvent, FaultRecord } from '../../runtime/observe/events.js';
import { sampleData } from '../observe/sample-data.js';
import { FakeRun } from '../control/fake-run.js';

const status = { ...new FakeRun().status(), latest: sampleData(0) };

describe('progress', () => {
  test.each([
    [2 * DAY + 8 * HOUR + 24 * MINUTE, 3 * DAY, '2d 08:24'],
    [8 * HOUR + 24 * MINUTE + 5 * SECOND, 12 * HOUR, '08:24:05'],
    [5 * SECOND, 2 * MINUTE, '00:05'],
  ])('%d ms of %d ms is %s', (ms, durationMs, text) => {
    expect(clockText(ms, durationMs)).toBe(text);
  });

  test.each([
    [NaN, '–'],
    [12.4, '12 ms'],
    [4_520, '4.5 s'],
  ])('a latency of %d ms is %s', (ms, text) => {
    expect(secondsText(ms)).toBe(text);
  });

  test('tells how much faster than real time a rehearsal is, and what alerts fire', () => {
    const line = progressLine({ ...status, target: 'rehearsal', alertsFiring: ['scaling_limit'] }, 2);
    expect(line).toContain('×500');
    expect(line).toContain('alert: scaling_limit');
    expect(progressLine(status, 2)).not.toContain('×');
  });
});

describe('the panel', () => {
  test('is never wider than the terminal', () => {
    for (const columns of [20, 40, 80, 200]) {
      for (const line of statusPanel(status, columns)) expect(line.length).toBeLessThan(Math.max(21, columns));
    }
  });

  test('marks what is beyond its limit', () => {
    const slow = { ...status, limits: { ...status.limits, p99LatencyMs: 0.001 } };
    expect(statusPanel(slow, 100).find((line) => line.includes('P99'))).toContain('✗');
    expect(statusPanel(status, 100).find((line) => line.includes('P99'))).toContain('✓');
  });

  test('says so while nothing has been measured', () => {
    expect(statusPanel({ ...status, latest: null }, 100).join('\n')).toContain('Nothing measured yet.');
  });

  test('names what is wrong: open faults, halted chaos, alerts', () => {
    const troubled = { ...status, alertsFiring: ['cascade_failure'], chaos: { ...status.chaos, open: ['f3'] } };
    expect(statusPanel(troubled, 100).join('\n')).toMatch(/Chaos +on, open: f3\nAlerts +cascade_failure/);
    const halted = { ...status, chaos: { ...status.chaos, halted: 'errors' } };
    expect(statusPanel(halted, 100).join('\n')).toMatch(/Chaos +halted: errors/);
  });
});

describe('events in one line', () => {
  const fault: FaultRecord = {
    ...{ id: 'f1', type: 'agent_kill', voluntary: true, injectedAt: 0, endedAt: 0, subjects: ['a', 'b'], tasksHeld: 3 },
    ...{ serviceRecoveryMs: 4_250, capacityRecoveryMs: 5_000, effectSeen: true, endSeen: true, detail: '' },
  };
  const decision = {
    ...{ from: 200, to: 210, reason: 'queue', mode: 'reactive', score: 1, reactive: 210, predictive: null, floor: 200 },
    inputs: {},
  };

  test.each<[ExperimentEvent, string | null]>([
    [{ type: 'run_state', at: 0, from: 'running', to: 'paused', reason: 'why' }, 'running → paused: why'],
    [{ type: 'scaling', at: 0, decision }, 'scaling: 200 → 210 agents, queue'],
    [{ type: 'scaling', at: 0, decision: { ...decision, to: 200 } }, null],
    [{ type: 'fault', at: 0, stage: 'planned', fault }, null],
    [{ type: 'fault', at: 0, stage: 'injected', fault }, 'fault f1 agent_kill: injected, 2 hit'],
    [{ type: 'fault', at: 0, stage: 'recovered', fault }, 'fault f1 agent_kill: service back after 4.25s'],
    [{ type: 'control', at: 0, command: 'scale', by: 'operator', detail: '60 agents' }, 'scale by operator: 60 agents'],
  ])('%j', (event, text) => {
    const shown = eventText(event);
    expect(shown?.slice('00:00:00  '.length) ?? null).toBe(text);
  });

  test('cannot move the cursor', () => {
    const event: ExperimentEvent = { type: 'run_state', at: 0, from: 'running', to: 'paused', reason: '\u001b[2J\nx' };
    expect(eventText(event)).not.toMatch(/\p{Cc}/u);
  });
});

describe('what to type next', () => {
  const finished = {
    report: {
      verdict: 'PASS' as const,
      metadata: { phase: 2, scenario: null, target: 'rehearsal' as const, cutShort: false },
    },
    config: undefined,
    folder: 'results/x',
    snapshot: false,
  };
  const commands = (changes: object, metadata: object = {}): string[] =>
    nextSteps({
      ...finished,
      ...changes,
      report: { ...finished.report, ...changes, metadata: { ...finished.report.metadata, ...metadata } as never },
    }).map(({ command }) => command.replace('./experiment.sh ', ''));

  test('after a rehearsal that passed: the same live, then the next phase, then the stress test', () => {
    expect(commands({})).toEqual([
      'start --phase 2 --target local --duration 2m',
      'start --phase 3 --target rehearsal',
      'compare results/x RUN…',
    ]);
    expect(commands({}, { phase: 3 })).toContain('start --phase 3 --scenario stress --target rehearsal');
  });

  test('after one that failed: the plan', () => {
    expect(commands({ verdict: 'FAIL' })).toContain('plan --phase 2');
  });

  test('after one that was cut short and has a snapshot: going on with it', () => {
    expect(commands({ snapshot: true }, { cutShort: true, target: 'local' })[0]).toBe('start --resume results/x');
  });

  test('with a file of its own: that file, as a shell takes it', () => {
    expect(commands({ config: 'my file.yaml' })[0]).toBe("start --config 'my file.yaml' --target local --duration 2m");
  });
});

test('paths are shown as they are best typed', () => {
  expect(shownPath('/a/b/results/x', '/a/b')).toBe('results/x');
  expect(shownPath('/a/c', '/a/b')).toBe('/a/c');
  expect(shellWord("it's")).toBe(String.raw`'it'\''s'`);
});
