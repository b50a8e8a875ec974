import { ChaosEngineer, type ChaosOptions } from '../../runtime/chaos/engineer.js';
import { FaultBook } from '../../runtime/chaos/fault-book.js';
import { MemoryFaultLedger } from '../../runtime/chaos/fault-ledger.js';
import { Random } from '../../runtime/kernel/random.js';
import { MINUTE } from '../../runtime/kernel/units.js';
import { VirtualClock } from '../../runtime/kernel/virtual-clock.js';
import type { ExperimentEvent, FaultRecord } from '../../runtime/observe/events.js';
import type { ChaosRules, Injection } from '../../runtime/spec/experiment.js';
import type { FaultSurface } from '../../runtime/chaos/port.js';
import { FakeFleet } from './fake-fleet.js';

export const START = Date.UTC(2026, 0, 4, 15);

/** An injection with nothing set. */
export function injection(changes: Partial<Injection> & Pick<Injection, 'type'>): Injection {
  return { everyMs: null, atMs: [], share: 0.1, durationMs: 0, latencyMs: 0, factor: 1, zone: null, ...changes };
}

export function rules(...injections: Injection[]): ChaosRules {
  return { enabled: true, injections, stop: { errorRate: 0.05, offlineShare: 0.4 } };
}

/** An engineer on a fake fleet and a virtual clock, with everything that it says written down. */
export class Stage {
  readonly clock = new VirtualClock(START, new Random(1, 'ties'));
  readonly events: ExperimentEvent[] = [];
  readonly injected: Array<{ fault: FaultRecord; held: readonly number[] }> = [];
  readonly ended: Array<{ id: string; at: number }> = [];
  readonly fleet: FakeFleet;
  private readonly failures: unknown[] = [];
  health = { errorRate: 0, offlineShare: 0 };
  steady = { ok: true, reason: '' };
  running = true;

  constructor(agents = 20) {
    this.fleet = new FakeFleet(this.clock, agents);
  }

  readonly emit = (event: ExperimentEvent): void => {
    this.events.push(event);
  };

  engineer(changes: Partial<ChaosOptions> & Pick<ChaosOptions, 'rules' | 'durationMs'>, seed = 7): ChaosEngineer {
    return new ChaosEngineer({
      clock: this.clock,
      random: new Random(seed, 'chaos'),
      surface: this.fleet,
      ledger: new MemoryFaultLedger(),
      book: new FaultBook(this.emit),
      emit: this.emit,
      elapsedMs: () => this.clock.now() - START,
      mayInject: () => this.running,
      steadyState: () => this.steady,
      health: () => this.health,
      onInjected: (fault, held) => this.injected.push({ fault, held }),
      onEnded: (id, at) => this.ended.push({ id, at: at - START }),
      ...changes,
    });
  }

  /**
   * An engineer that is heard of no more once `die` was called, or after so many calls to what it acts on: from then
   * on nothing it calls ever happens. Its timers are still there, so the clock is stopped a minute after the run.
   */
  doomed(
    changes: Partial<ChaosOptions> & Pick<ChaosOptions, 'rules' | 'durationMs'>,
    callsToLive = Infinity,
    seed = 7,
  ): { die: () => void; run: () => void } {
    let left = callsToLive;
    const never = this.clock.deferred<never>();
    const cut = <T extends object>(whole: T): T =>
      new Proxy(whole, {
        get(target, name): unknown {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            left -= 1;
            return left < 0 ? never.promise : Reflect.apply(member, target, args);
          };
        },
      });
    const ledger = cut(changes.ledger ?? new MemoryFaultLedger());
    // The dead say nothing either.
    const emit = (event: ExperimentEvent): void => {
      if (left >= 0) this.emit(event);
    };
    const book = new FaultBook(emit);
    const engineer = this.engineer({ ...changes, ledger, emit, book, surface: cut<FaultSurface>(this.fleet) }, seed);
    const die = (): void => {
      left = 0;
    };
    const run = (): void => {
      this.clock.spawn(
        () => engineer.run(),
        (error) => {
          this.failures.push(error);
        },
      );
      this.at(changes.durationMs + MINUTE, () => {
        this.clock.stop();
      });
    };
    return { die, run };
  }

  /** Runs the clock until nothing is left, with `task` started first. */
  async play(task: Promise<void>): Promise<void> {
    const outcome = task.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    await this.finish();
    const failure = await outcome;
    if (failure !== null) throw failure.error;
  }

  /** Runs the clock until nothing is left; what failed in a task of {@link spawnAt} fails here. */
  async finish(): Promise<void> {
    await this.clock.run();
    if (this.failures.length > 0) throw this.failures[0];
  }

  at(ms: number, run: () => void): void {
    this.clock.at(START + ms, run);
  }

  spawnAt(ms: number, task: () => Promise<void>): void {
    this.at(ms, () => {
      this.clock.spawn(task, (error) => {
        this.failures.push(error);
      });
    });
  }

  /** `[stage, id, ms after the start]` of every fault event. */
  get stages(): Array<[string, string, number]> {
    return this.events.flatMap((event): Array<[string, string, number]> =>
      event.type === 'fault' ? [[event.stage, event.fault.id, event.at - START]] : [],
    );
  }

  /** The last event of a fault with this stage. */
  last(stage: string, id = 'f1'): FaultRecord {
    const found = this.events.findLast(
      (event) => event.type === 'fault' && event.stage === stage && event.fault.id === id,
    );
    if (found?.type !== 'fault') throw new Error(`no event ${stage} of ${id}`);
    return found.fault;
  }

  get incidents(): string[] {
    return this.events.flatMap((event) => (event.type === 'incident' ? [event.incident.type] : []));
  }
}
