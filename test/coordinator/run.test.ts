import { Run, UNANSWERED_MS, type RunEnd } from '../../runtime/coordinator/run.js';
import { ExperimentError } from '../../runtime/kernel/errors.js';
import { Random } from '../../runtime/kernel/random.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { ExperimentEvent, RunState } from '../../runtime/observe/events.js';

const DURATION = 60 * MINUTE;
const DRAIN_TIMEOUT = 5 * MINUTE;

/** A run over a load that only keeps time, with the leader's supervision on it. */
function stage() {
  const clock = new VirtualClock(0, new Random(1, 'ties'));
  const events: ExperimentEvent[] = [];
  const steered: string[] = [];
  const state = { queued: 0, leased: 0, exhausted: true };
  let stoodStill = 0;
  let since: number | null = null;
  const load = {
    start: () => steered.push('start'),
    pause: () => {
      steered.push('pause');
      since = clock.now();
    },
    resume: () => {
      steered.push('resume');
      stoodStill += clock.now() - since!;
      since = null;
    },
    stop: () => {
      steered.push('stop');
      since ??= clock.now();
    },
    elapsedMs: () => (since ?? clock.now()) - stoodStill,
    get exhausted() {
      return state.exhausted;
    },
  };
  const run = new Run({
    clock,
    events: (event) => events.push(event),
    durationMs: DURATION,
    drainTimeoutMs: DRAIN_TIMEOUT,
    parts: {
      load,
      counts: () => ({
        ...{ submitted: 0, completed: 0, failed: 0, shed: 0, superseded: 0, retried: 0, expired: 0 },
        queued: state.queued,
        leased: state.leased,
      }),
      haltFleet: () => steered.push('halt fleet'),
    },
  });
  const { everyMs, run: supervise } = run.duty;
  clock.every(everyMs, supervise);
  const ends: RunEnd[] = [];
  clock.spawn(
    async () => {
      ends.push(await run.ended);
    },
    (error) => {
      throw error;
    },
  );
  const runUntil = async (ms: number): Promise<void> => {
    clock.at(ms, () => {
      clock.stop();
    });
    await clock.run();
  };
  const states = (): string[] =>
    events.flatMap((event) => (event.type === 'run_state' ? [`${event.to}@${event.at / MINUTE}`] : []));
  return { clock, run, events, steered, state, ends, runUntil, states };
}

type Stage = ReturnType<typeof stage>;

/** How a run is brought into each state. */
const REACH: Record<RunState, (run: Run) => void> = {
  created: () => undefined,
  running: (run) => {
    run.start();
  },
  paused: (run) => {
    run.start();
    run.pause('test');
  },
  draining: (run) => {
    run.start();
    run.drain('test', MINUTE, false);
  },
  stopped: (run) => {
    run.stop('test');
  },
  aborted: (run) => {
    run.abort('test');
  },
};

const COMMANDS: Record<string, (run: Run) => void> = {
  start: (run) => {
    run.start();
  },
  pause: (run) => {
    run.pause('by hand');
  },
  resume: (run) => {
    run.resume('by hand');
  },
  drain: (run) => {
    run.drain('by hand', MINUTE, true);
  },
  stop: (run) => {
    run.stop('by hand');
  },
  abort: (run) => {
    run.abort('by hand');
  },
};

/** Where each command leads from each state; null = refused. */
const TABLE: Record<RunState, Record<string, RunState | null>> = {
  created: { start: 'running', pause: null, resume: null, drain: null, stop: 'stopped', abort: 'aborted' },
  running: { start: null, pause: 'paused', resume: null, drain: 'draining', stop: 'stopped', abort: 'aborted' },
  paused: { start: null, pause: null, resume: 'running', drain: 'draining', stop: 'stopped', abort: 'aborted' },
  draining: { start: null, pause: null, resume: null, drain: null, stop: 'stopped', abort: 'aborted' },
  stopped: { start: null, pause: null, resume: null, drain: null, stop: null, abort: 'stopped' },
  aborted: { start: null, pause: null, resume: null, drain: null, stop: null, abort: 'aborted' },
};

const CASES = (Object.keys(TABLE) as RunState[]).flatMap((from) =>
  Object.entries(TABLE[from]).map(([command, to]) => [command, from, to] as const),
);

describe('run', () => {
  it.each(CASES)('%s while %s leads to %s', (command, from, to) => {
    const { run, events, steered } = stage();
    REACH[from](run);
    expect(run.state).toBe(from);
    const before = [events.length, steered.length];
    if (to === null) {
      expect(() => {
        COMMANDS[command]!(run);
      }).toThrow(ExperimentError);
      expect(run.state).toBe(from);
      expect([events.length, steered.length]).toEqual(before);
    } else {
      COMMANDS[command]!(run);
      expect(run.state).toBe(to);
    }
  });

  it('goes its planned way: starts, drains at its end, stops when everything is finished', async () => {
    const { run, steered, state, ends, runUntil, states } = stage();
    run.start();
    state.leased = 3;
    await runUntil(DURATION + 30 * SECOND);
    expect(run.state).toBe('draining');
    state.leased = 0;
    await runUntil(DURATION + MINUTE);
    expect(states()).toEqual(['running@0', 'draining@60', `stopped@${60.5 + 0.25 / 60}`]);
    expect(steered).toEqual(['start', 'stop', 'stop']);
    expect(ends).toEqual([
      {
        state: 'stopped',
        at: DURATION + 30 * SECOND + 250,
        reason: 'planned end',
        elapsedMs: DURATION,
        complete: true,
        timeToHaltMs: null,
      },
    ]);
  });

  it('waits at its end for a schedule that has fallen behind', async () => {
    const { run, state, runUntil } = stage();
    state.exhausted = false;
    run.start();
    await runUntil(DURATION + MINUTE);
    expect(run.state).toBe('running');
    state.exhausted = true;
    await runUntil(DURATION + MINUTE + SECOND);
    expect(run.state).toBe('stopped');
  });

  it('does not wait longer for the last tasks than the drain may take', async () => {
    const { run, events, state, ends, runUntil } = stage();
    run.start();
    state.leased = 2;
    state.queued = 1;
    await runUntil(DURATION + DRAIN_TIMEOUT - SECOND);
    expect(run.state).toBe('draining');
    await runUntil(DURATION + DRAIN_TIMEOUT + SECOND);
    expect(events.at(-1)).toMatchObject({ to: 'stopped', reason: 'drain timed out with 3 tasks unfinished' });
    expect(ends[0]).toMatchObject({ reason: 'planned end', complete: true });
  });

  it('does not count a pause as part of its duration', async () => {
    const { clock, run, runUntil, states } = stage();
    run.start();
    clock.at(10 * MINUTE, () => {
      run.pause('by hand');
    });
    clock.at(30 * MINUTE, () => {
      run.resume('by hand');
    });
    await runUntil(100 * MINUTE);
    expect(states()).toEqual(['running@0', 'paused@10', 'running@30', 'draining@80', `stopped@${80 + 0.25 / 60}`]);
  });

  it('ends a pause that nobody answers for half an hour, and not a minute earlier', async () => {
    const { run, ends, runUntil, states } = stage();
    run.start();
    run.pause('error rate');
    await runUntil(29 * MINUTE);
    expect(run.state).toBe('paused');
    await runUntil(31 * MINUTE);
    expect(states()).toEqual(['running@0', 'paused@0', 'draining@30', `stopped@${30 + 0.25 / 60}`]);
    expect(ends[0]).toMatchObject({ state: 'stopped', complete: false, elapsedMs: 0 });
    expect(ends[0]!.reason).toContain('unanswered');
    expect(UNANSWERED_MS).toBe(30 * MINUTE);
  });

  it('waits drained for a snapshot or a stop where the operator asked for a drain only', async () => {
    const { run, events, state, ends, runUntil } = stage();
    run.start();
    state.leased = 1;
    await runUntil(MINUTE);
    run.drain('for a snapshot', 10 * MINUTE, false);
    await runUntil(2 * MINUTE);
    expect(run.drained).toBe(false);
    state.leased = 0;
    await runUntil(3 * MINUTE);
    expect(run.drained).toBe(true);
    expect(events.at(-1)).toMatchObject({ command: 'drained', detail: 'nothing left to finish' });
    expect(run.state).toBe('draining');
    run.stop('done');
    await runUntil(4 * MINUTE);
    expect(ends[0]).toMatchObject({ state: 'stopped', reason: 'for a snapshot', elapsedMs: MINUTE, complete: false });
  });

  it('says what is unfinished when such a drain runs out of time, and stops when nobody comes', async () => {
    const { run, events, state, runUntil, states } = stage();
    run.start();
    state.queued = 4;
    run.drain('for a snapshot', MINUTE, false);
    await runUntil(2 * MINUTE);
    expect(events.at(-1)).toMatchObject({ command: 'drained', detail: 'timed out with 4 tasks unfinished' });
    await runUntil(60 * MINUTE);
    expect(states().at(-1)).toBe('stopped@31');
  });

  it('aborts at once: load and fleet are stopped before the command returns, and repeating it is harmless', async () => {
    const { run, steered, ends, events, runUntil } = stage();
    run.start();
    await runUntil(7 * MINUTE);
    expect(run.experimentMode).toBe(true);
    run.abort('emergency stop');
    expect(steered).toEqual(['start', 'stop', 'halt fleet']);
    expect(run.experimentMode).toBe(false);
    const told = events.length;
    run.abort('again');
    expect(events).toHaveLength(told);
    await runUntil(8 * MINUTE);
    expect(ends).toEqual([
      {
        state: 'aborted',
        at: 7 * MINUTE,
        reason: 'emergency stop',
        elapsedMs: 7 * MINUTE,
        complete: false,
        timeToHaltMs: 0,
      },
    ]);
  });

  it('has carried out nothing when it ends before it began', async () => {
    const { run, ends, runUntil }: Stage = stage();
    await runUntil(MINUTE);
    run.stop('not needed');
    await runUntil(2 * MINUTE);
    expect(ends[0]).toMatchObject({ state: 'stopped', elapsedMs: 0, complete: false });
  });
});
