import type { FleetActuator, FleetSample } from '../agents/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { SECOND } from '../kernel/units.js';
import { augursModels } from '../scaling/adapters/augurs.js';
import { AutoScaler, type AutoScalerSnapshot } from '../scaling/autoscaler.js';
import type { ScalingContext, ScalingInputs } from '../scaling/port.js';
import { mixMeanMs } from '../scaling/need.js';
import type { Experiment } from '../spec/experiment.js';
import {
  BOARD_START,
  NO_FLEET,
  type Board,
  type Found,
  type MeasuresNote,
  type RunNote,
  type WantedNote,
} from './board/board.js';

/** Measures older than this are no ground for a decision. */
const STALE_MS = 10 * SECOND;
/** How often it looks for arrivals and for what others want. */
const LOOK_MS = SECOND;

export interface ScalingKeeperOptions {
  readonly experiment: Experiment;
  readonly clock: Clock;
  readonly board: Board;
  readonly onError: (error: unknown) => void;
}

/** Feeds the autoscaler from the board, and puts there what it decides. */
export class ScalingKeeper {
  private scaler: AutoScaler | null = null;
  private earlier: AutoScalerSnapshot | null = null;
  private timers: Timer[] = [];
  private busy = false;
  private run: RunNote | null = null;
  private measures: Found<MeasuresNote> | null = null;
  private wanted: WantedNote | null = null;
  private fleet: FleetSample = NO_FLEET;
  private scheduleMs = 0;
  private submitted: number | null = null;
  private commandsUpTo = BOARD_START;
  private evaluateAt: number;
  private staleTold = false;
  /** Decided now and not written yet. */
  private decided: number | null = null;

  constructor(private readonly options: ScalingKeeperOptions) {
    this.evaluateAt = options.clock.now() + options.experiment.scaling.evaluateMs;
  }

  /** Goes on from where an earlier one stood. Rejects when Redis does not answer. */
  async start(): Promise<void> {
    const { board, clock, onError } = this.options;
    const earlier = await board.read('autoscaler');
    this.earlier = (earlier?.note.snapshot ?? null) as AutoScalerSnapshot | null;
    // Orders given before are not ours to carry out again.
    this.commandsUpTo = await this.readCommands(() => undefined);
    this.timers = [
      clock.every(LOOK_MS, () => {
        if (this.busy) return;
        this.busy = true;
        clock.spawn(async () => {
          try {
            await this.look();
          } finally {
            this.busy = false;
          }
        }, onError);
      }),
    ];
  }

  stop(): void {
    for (const timer of this.timers) timer.cancel();
  }

  /** One look at the board, and an evaluation when it is time. */
  async look(): Promise<void> {
    const { board, clock, experiment } = this.options;
    const [run, measures, load, wanted, fleet] = await Promise.all([
      board.read('run'),
      board.read('measures'),
      board.read('load'),
      board.read('wanted'),
      board.read('fleet'),
    ]);
    this.run = run?.note ?? null;
    this.measures = measures;
    this.scheduleMs = load?.note.elapsedMs ?? 0;
    this.wanted = wanted?.note ?? null;
    this.fleet = fleet?.note.sample ?? NO_FLEET;
    let emergency = false;
    this.commandsUpTo = await this.readCommands((name) => {
      if (name === 'emergency-scale') emergency = true;
    });
    // There is nothing to scale before the run begins.
    const startedAt = this.run?.startedAt ?? null;
    if (startedAt === null) return;
    const scaler = (this.scaler ??= this.newScaler(startedAt));
    this.countArrivals(scaler);
    scaler.setFloor(this.wanted?.floor ?? null);
    const now = clock.now();
    if (emergency) scaler.emergency(now, 0, this.context());
    if (now >= this.evaluateAt) {
      const { evaluateMs } = experiment.scaling;
      this.evaluateAt += evaluateMs * Math.floor((now - this.evaluateAt) / evaluateMs + 1);
      const inputs = this.inputs();
      if (inputs !== null) scaler.evaluate(now, inputs, this.context());
      await board.write('autoscaler', { snapshot: scaler.snapshot(), forecast: scaler.forecastReport() });
    }
    await this.writeDecision();
  }

  private newScaler(startAtMs: number): AutoScaler {
    const { experiment, clock, board, onError } = this.options;
    const { mode } = experiment.scaling;
    const scaler = new AutoScaler({
      ...{ rules: experiment.scaling, fleet: experiment.fleet, load: experiment.load, startAtMs },
      mixMeanMs: mixMeanMs(experiment.tasks),
      actuator: this.actuator(),
      emit: (event) => {
        board.event(event);
      },
      onHalt: (reason) => {
        clock.spawn(() => board.command({ name: 'abort-because', by: 'autoscaler', reason }), onError);
      },
      models: mode === 'predictive' || mode === 'feed_forward' ? augursModels() : [],
    });
    if (this.earlier !== null) scaler.restore(this.earlier);
    return scaler;
  }

  private async writeDecision(): Promise<void> {
    const { decided } = this;
    if (decided === null) return;
    await this.options.board.write('wanted', { agents: decided, floor: this.wanted?.floor ?? null });
    this.decided = null;
  }

  private async readCommands(tell: (name: string) => void): Promise<string> {
    const { commands, position } = await this.options.board.commandsAfter(this.commandsUpTo);
    for (const { name } of commands) tell(name);
    return position;
  }

  private countArrivals(scaler: AutoScaler): void {
    const submitted = this.measures?.note.counts?.submitted ?? null;
    if (submitted === null) return;
    if (this.submitted !== null && submitted > this.submitted) {
      scaler.recordArrivals(
        this.measures?.note.data?.timestamp ?? this.options.clock.now(),
        submitted - this.submitted,
      );
    }
    this.submitted = submitted;
  }

  /** null = nobody has measured anything lately. */
  private inputs(): ScalingInputs | null {
    const { measures } = this;
    const running = this.run?.state === 'running';
    if (measures === null || measures.ageMs > STALE_MS) {
      if (running && !this.staleTold) {
        const age =
          measures === null ? 'there are no measures' : `the measures are ${Math.round(measures.ageMs)} ms old`;
        this.options.onError(new Error(`${age}: nothing is decided until there are new ones`));
      }
      this.staleTold ||= running;
      return null;
    }
    this.staleTold = false;
    return { ...measures.note.scaling, agents: this.target() };
  }

  private context(): ScalingContext {
    const { run } = this;
    return {
      running: run?.state === 'running',
      experimentMode: run?.experimentMode ?? true,
      halted: run?.state === 'aborted',
      scheduleMs: this.scheduleMs,
    };
  }

  private target(): number {
    return this.decided ?? this.wanted?.agents ?? this.fleet.target;
  }

  private actuator(): FleetActuator {
    return {
      sample: () => ({ ...this.fleet, target: this.target() }),
      scaleTo: (agents) => {
        this.decided = agents;
      },
    };
  }
}
