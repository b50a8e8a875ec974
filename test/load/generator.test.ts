import type { Eventually } from '../../runtime/kernel/clock.js';
import { Random } from '../../runtime/kernel/random.js';
import { MINUTE, SECOND } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import { LoadGenerator, type GeneratorPosition } from '../../runtime/load/generator.js';
import type { GeneratorJournal } from '../../runtime/load/port.js';
import type { ExperimentEvent } from '../../runtime/observe/events.js';
import type { SubmitOutcome, TaskQueue } from '../../runtime/queue/port.js';
import type { Task } from '../../runtime/queue/task.js';
import { experiment, type ExperimentParts } from '../support/experiment.js';

interface Offer {
  readonly task: Task;
  /** ms since the start. */
  readonly at: number;
}

type Answer = (offer: Offer, clock: VirtualClock) => Eventually<SubmitOutcome>;

const atOnce: Answer = (_offer, clock) => ({ accepted: true, enqueuedAt: clock.now() });

/** A generator at a queue that answers as it likes. */
function stage(parts: ExperimentParts, answer: Answer = atOnce, from?: GeneratorPosition) {
  const spec = experiment(parts);
  const clock = new VirtualClock(spec.startAtMs, new Random(spec.seed, 'ties'));
  const offers: Offer[] = [];
  const journal: string[] = [];
  const events: ExperimentEvent[] = [];
  const state = { finished: 0 };
  const submit = (task: Task): Eventually<SubmitOutcome> => {
    const offer = { task, at: clock.now() - spec.startAtMs };
    offers.push(offer);
    return answer(offer, clock);
  };
  const written: GeneratorJournal = {
    sent: (index) => journal.push(`sent ${index}`),
    answered: (index, outcome) => journal.push(`${outcome.accepted ? 'accepted' : 'refused'} ${index}`),
    unknown: (index) => journal.push(`unknown ${index}`),
  };
  const generator = new LoadGenerator({
    experiment: spec,
    clock,
    queue: { submit } as unknown as TaskQueue,
    journal: written,
    events: (event) => events.push(event),
    onFinished: () => {
      state.finished += 1;
    },
    onError: (error) => {
      throw error;
    },
    ...(from === undefined ? {} : { from }),
  });
  const after = (ms: number, run: () => void): void => {
    clock.at(spec.startAtMs + ms, run);
  };
  return { clock, generator, offers, journal, events, state, after, spec };
}

describe('load generator', () => {
  it('offers every task at its time, and says when all have been sent', async () => {
    const { clock, generator, offers, journal, state } = stage({ durationMs: MINUTE, ratePerMin: 60 });
    expect(generator.elapsedMs()).toBe(0);
    generator.start();
    expect(offers).toEqual([]);
    await clock.run();
    expect(offers.map(({ at }) => at)).toEqual(Array.from({ length: 60 }, (_, i) => 500 + i * SECOND));
    expect(offers.map(({ task }) => task.index)).toEqual([...Array(60).keys()]);
    for (const { task, at } of offers) expect(task.scheduledAt - experiment().startAtMs).toBe(at);
    expect(journal.slice(0, 4)).toEqual(['sent 0', 'accepted 0', 'sent 1', 'accepted 1']);
    expect(state.finished).toBe(1);
    expect(generator.stats).toEqual({ scheduled: 60, sent: 60, late: 0, dropped: 0 });
  });

  it('does not wait for the queue: offers go out on time while none has been answered', async () => {
    const { clock, generator, offers, journal } = stage({ durationMs: MINUTE, ratePerMin: 600 }, (_offer, at) =>
      at.sleep(45 * SECOND).then(() => ({ accepted: true, enqueuedAt: at.now() })),
    );
    generator.start();
    let unanswered = 0;
    clock.after(30 * SECOND, () => {
      unanswered = generator.unanswered;
    });
    await clock.run();
    expect(offers).toHaveLength(600);
    expect(offers.every(({ task, at }) => task.scheduledAt - experiment().startAtMs === at)).toBe(true);
    expect(unanswered).toBe(300);
    expect(generator.unanswered).toBe(0);
    expect(generator.stats.late).toBe(0);
    expect(journal.filter((line) => line.startsWith('accepted'))).toHaveLength(600);
  });

  it('writes down what was refused, and what was never answered', async () => {
    const { clock, generator, journal } = stage({ durationMs: 3 * SECOND, ratePerMin: 60 }, ({ task }) => {
      if (task.index === 0) return { accepted: false, reason: 'queue_full' };
      if (task.index === 1) return Promise.reject(new Error('connection lost'));
      return Promise.resolve({ accepted: false, reason: 'expected_wait' });
    });
    generator.start();
    await clock.run();
    expect(journal.slice(0, 2)).toEqual(['sent 0', 'refused 0']);
    expect(journal.slice(2).sort()).toEqual(['refused 2', 'sent 1', 'sent 2', 'unknown 1']);
    expect(generator.stats).toEqual({ scheduled: 3, sent: 3, late: 0, dropped: 0 });
  });

  it('drops what it cannot send once 20,000 offers are without an answer, and counts it', async () => {
    const { clock, generator, offers, journal } = stage({ durationMs: MINUTE, ratePerMin: 21_000 }, (_offer, at) =>
      at.sleep(10 * MINUTE).then(() => ({ accepted: true, enqueuedAt: 0 })),
    );
    generator.start();
    await clock.run();
    expect(offers).toHaveLength(20_000);
    expect(generator.stats).toEqual({ scheduled: 21_000, sent: 20_000, late: 0, dropped: 1_000 });
    expect(journal).not.toContain('sent 20000');
    expect(offers.at(-1)!.task.index).toBe(19_999);
  });

  it('sends at once what is overdue, with its own time and number, and counts it as late', async () => {
    const { clock, generator, offers } = stage({ durationMs: 10 * SECOND, ratePerMin: 600 });
    const onTime = clock.at.bind(clock);
    // Every timer comes half a second late, as in a process that is kept from running.
    clock.at = (time, run) => onTime(time + 500, run);
    generator.start();
    await clock.run();
    expect(offers.map(({ task }) => task.index)).toEqual([...Array(100).keys()]);
    expect(
      offers.every(({ task, at }, i) => task.scheduledAt - experiment().startAtMs === 50 + i * 100 && at >= 50),
    ).toBe(true);
    const late = offers.filter(({ task, at }) => at - (task.scheduledAt - experiment().startAtMs) > 10).length;
    expect(generator.stats.late).toBe(late);
    // Five or six go out together: one on time, the others up to half a second late.
    expect(late).toBeGreaterThanOrEqual(80);
  });

  it('stands still while it is paused: what comes later is later by as much', async () => {
    const { clock, generator, offers, after } = stage({ durationMs: 10 * SECOND, ratePerMin: 60 });
    generator.start();
    after(3_200, () => {
      generator.pause();
    });
    after(33_200, () => {
      expect(generator.elapsedMs()).toBe(3_200);
      expect(offers).toHaveLength(3);
      generator.resume();
    });
    await clock.run();
    expect(offers.map(({ at }) => at)).toEqual([
      ...[500, 1_500, 2_500],
      ...[33_500, 34_500, 35_500, 36_500, 37_500, 38_500, 39_500],
    ]);
    expect(offers.every(({ task, at }) => task.scheduledAt - experiment().startAtMs === at)).toBe(true);
    expect(generator.stats.late).toBe(0);
  });

  it('can also be paused in the quiet after its last arrival', async () => {
    const { clock, generator, after, state, events } = stage({
      segments: [
        { startMs: 0, endMs: SECOND, ratePerMin: 60, label: 'burst' },
        { startMs: SECOND, endMs: 20 * SECOND, ratePerMin: 0, label: 'quiet' },
        { startMs: 20 * SECOND, endMs: 30 * SECOND, ratePerMin: 0, label: 'quieter' },
      ],
    });
    generator.start();
    after(5 * SECOND, () => {
      expect(state.finished).toBe(1);
      generator.pause();
    });
    after(65 * SECOND, () => {
      expect(generator.elapsedMs()).toBe(5 * SECOND);
      generator.resume();
    });
    after(70 * SECOND, () => {
      expect(generator.elapsedMs()).toBe(10 * SECOND);
    });
    await clock.run();
    expect(state.finished).toBe(1);
    const start = experiment().startAtMs;
    expect(events.map((event) => ('label' in event ? `${event.label} ${event.at - start}` : ''))).toEqual([
      'burst 0',
      'quiet 1000',
      'quieter 80000',
    ]);
  });

  it('stands where it was stopped, and sends nothing any more', async () => {
    const { clock, generator, offers, after } = stage({ durationMs: MINUTE, ratePerMin: 60 });
    generator.start();
    after(10_200, () => {
      generator.stop();
      generator.resume();
      generator.pause();
    });
    after(5 * MINUTE, () => {
      expect(generator.elapsedMs()).toBe(10_200);
    });
    await clock.run();
    expect(offers).toHaveLength(10);
  });

  it('tells of every change of the load once, also at edges between milliseconds', async () => {
    const edge = 1_234.567_89;
    const { clock, generator, events, offers } = stage({
      segments: [
        { startMs: 0, endMs: edge, ratePerMin: 600, label: 'steady' },
        { startMs: edge, endMs: 2 * edge, ratePerMin: 1_200, label: 'burst' },
        { startMs: 2 * edge, endMs: 3_000, ratePerMin: 600, label: 'steady' },
      ],
    });
    generator.start();
    await clock.run();
    const told = events.map((event) => (event.type === 'segment' ? [event.label, event.ratePerMin] : []));
    expect(told).toEqual([
      ['steady', 600],
      ['burst', 1_200],
      ['steady', 600],
    ]);
    expect(events[1]!.at - experiment().startAtMs).toBeCloseTo(edge, 3);
    expect(offers).toHaveLength(Math.round(12.345_678_9 + 24.691_357_8 + (3_000 - 2 * edge) / 100));
  });

  it('tells of the current segment after a pause only when it is another', async () => {
    const { clock, generator, events, after } = stage({
      segments: [
        { startMs: 0, endMs: 10 * SECOND, ratePerMin: 60, label: 'a' },
        { startMs: 10 * SECOND, endMs: 20 * SECOND, ratePerMin: 120, label: 'b' },
      ],
    });
    generator.start();
    after(5 * SECOND, () => {
      generator.pause();
    });
    after(15 * SECOND, () => {
      generator.resume();
    });
    await clock.run();
    const start = experiment().startAtMs;
    expect(events.map((event) => ('label' in event ? [event.label, event.at - start] : []))).toEqual([
      ['a', 0],
      ['b', 20 * SECOND],
    ]);
  });

  it('is taken up where it stood: no task is left out, none is sent twice, none is late', async () => {
    const parts: ExperimentParts = { durationMs: 20 * SECOND, ratePerMin: 300, process: 'poisson' };
    const whole = stage(parts);
    whole.generator.start();
    await whole.clock.run();

    const first = stage(parts);
    first.generator.start();
    first.after(7_777, () => {
      first.generator.stop();
    });
    let position: GeneratorPosition | undefined;
    // The run is drained for a minute before the snapshot is taken: that is no part of the schedule.
    first.after(70 * SECOND, () => {
      position = first.generator.position();
    });
    await first.clock.run();
    const second = stage(parts, atOnce, JSON.parse(JSON.stringify(position)) as GeneratorPosition);
    expect(second.generator.elapsedMs()).toBe(7_777);
    second.generator.start();
    await second.clock.run();
    const tasks = [...first.offers, ...second.offers].map(({ task }) => [task.index, task.type, task.priority]);
    expect(tasks).toEqual(whole.offers.map(({ task }) => [task.index, task.type, task.priority]));
    for (const offer of second.offers) {
      expect(offer.at + 7_777).toBeCloseTo(whole.offers[offer.task.index]!.at, 2);
    }
    expect(second.generator.stats).toEqual({ ...whole.generator.stats, late: 0 });
  });
});
