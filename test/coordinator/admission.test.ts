import type { FleetSample } from '../../runtime/agents/port.js';
import { AdmissionControl, gradedWaits } from '../../runtime/coordinator/admission.js';
import { SECOND } from '../../runtime/kernel/units.js';
import type { AdmissionLimits, Lease, TaskQueue } from '../../runtime/queue/port.js';
import type { AttemptResult, Task } from '../../runtime/queue/task.js';
import type { Priority } from '../../runtime/spec/experiment.js';
import { experiment } from '../support/experiment.js';

const SUCCESS: AttemptResult = { status: 'success', error: null, retryAfterMs: 0 };
const AGENT = { id: 'a', incarnation: 1, zone: 'A' };
/** 100 slots and tasks of 1 s on average: 0.1 tasks a millisecond. */
const FLEET = { slots: 100 } as FleetSample;

function task(priority: Priority): Task {
  return { index: 0, type: 0, priority, scheduledAt: 0 };
}

function stage(slots = FLEET) {
  const control = new AdmissionControl(experiment({ queue: { admission: { maxWaitMs: 4_000 } } }), () => slots);
  const set: Array<AdmissionLimits | null> = [];
  const queue = { setAdmission: (limits: AdmissionLimits | null) => set.push(limits) } as unknown as TaskQueue;
  const duty = control.duty(queue, (error) => {
    throw error;
  })!;
  const limits = (): AdmissionLimits => {
    duty.run();
    return set.at(-1)!;
  };
  const finish = (count: number, at: number): void => {
    for (let i = 0; i < count; i += 1) control.finished({} as Lease, AGENT, SUCCESS, 'counted', at);
  };
  const admit = (count: number, priority: Priority, at: number, accepted = true): void => {
    const outcome = accepted
      ? ({ accepted, enqueuedAt: at } as const)
      : ({ accepted, reason: 'expected_wait' } as const);
    for (let i = 0; i < count; i += 1) control.submitted(task(priority), outcome, at);
  };
  return { control, duty, limits, finish, admit };
}

describe('admission control', () => {
  it('has no duty where only the bound holds', () => {
    const control = new AdmissionControl(experiment(), () => FLEET);
    expect(control.duty({} as TaskQueue, () => undefined)).toBeNull();
  });

  it('lets the whole wait to P0 and a quarter less to each lower priority', () => {
    expect(gradedWaits(4_000)).toEqual([4_000, 3_000, 2_000, 1_000]);
    expect(stage().limits().maxWaitMs).toEqual([4_000, 3_000, 2_000, 1_000]);
    expect(stage().duty.everyMs).toBe(SECOND);
  });

  it('goes by what was finished in the last 15 s, but by no more than the slots can do', () => {
    const { limits, finish } = stage();
    for (let second = 1; second <= 15; second += 1) finish(60, second * SECOND);
    expect(limits().drainPerMs).toBeCloseTo(0.06, 9);
    for (let second = 16; second <= 30; second += 1) finish(500, second * SECOND);
    expect(limits().drainPerMs).toBeCloseTo(0.1, 9);
  });

  it('forgets what is older, also after a while in which nothing happened', () => {
    const { limits, finish } = stage();
    finish(1_500, 5 * SECOND);
    expect(limits().drainPerMs).toBeCloseTo(0.1, 9);
    finish(300, 21 * SECOND);
    expect(limits().drainPerMs).toBeCloseTo(0.02, 9);
    finish(300, 3_600 * SECOND);
    expect(limits().drainPerMs).toBeCloseTo(0.02, 9);
  });

  it('believes in a tenth of what the slots could do while little has been finished yet', () => {
    expect(stage().limits().drainPerMs).toBeCloseTo(0.01, 9);
    expect(stage({ slots: 0 } as FleetSample).limits().drainPerMs).toBe(0);
  });

  it('counts as arrivals what was admitted, by priority, and not what was refused', () => {
    const { limits, admit } = stage();
    admit(150, 0, 3 * SECOND);
    admit(300, 2, 4 * SECOND);
    admit(1_000, 3, 4 * SECOND, false);
    const { arrivalsPerMs } = limits();
    expect(arrivalsPerMs.map((rate) => Math.round(rate * 1e6) / 1e6)).toEqual([0.01, 0, 0.02, 0]);
  });
});
