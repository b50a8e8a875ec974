import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { benchTask } from './bench-task.js';
import { Deferred } from './deferred.js';
import { engineNamed } from './engines.js';
import { machineNow } from './machine-clock.js';
import type { ConsumerTimes, FromConsumer, RoundPlan, ToConsumer } from './messages.js';
import { summarize } from './summarize.js';
import type { BenchTask, ProducerUnderTest } from './under-test.js';

/** The producer's process of the bench: runs one round and tells its result. */

/** A round without a recorded result for so long has failed, ms. */
const SILENCE_MS = 20_000;

/** Tasks handed over at once when there is room: enough for bulk operations to pay, few enough to keep all busy. */
const BULK = { least: 50, most: 250 };

process.once('message', (plan: RoundPlan) => {
  runRound(plan).then(
    (result) => process.send?.({ result }, () => process.exit()),
    (error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ failed: reason }, () => process.exit(1));
    },
  );
});
process.on('disconnect', () => process.exit());

async function runRound(plan: RoundPlan) {
  const engine = engineNamed(plan.engine);
  await engine.prepare?.(plan.arena);
  const consumers = Array.from({ length: plan.consumerProcesses }, (_, which) => new ConsumerProcess(plan, which));
  const producer = await engine.producer(plan.arena);
  await Promise.all(consumers.map((consumer) => consumer.ready));
  const cpuBefore = process.cpuUsage();
  const round = new Round(plan, producer, consumers);
  await (plan.load.kind === 'saturation' ? round.saturate(plan.load.outstanding) : round.schedule(plan.load.perSecond));
  const cpu = process.cpuUsage(cpuBefore);
  const told = await Promise.all(consumers.map((consumer) => consumer.end()));
  await producer.close();
  return summarize(
    plan,
    round.due,
    round.submitted,
    told.map(({ times }) => times),
    {
      producer: cpu.user + cpu.system,
      consumers: told.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    },
  );
}

/** Submits the tasks of a round and waits until all results are recorded. */
class Round {
  /** When each task should have been submitted, and when it was; ms by index. */
  readonly due: Float64Array;
  readonly submitted: Float64Array;
  readonly #producer: ProducerUnderTest;
  readonly #all: number;
  #sent = 0;
  #recorded = 0;
  #failure: unknown;
  #wake: () => void = () => undefined;

  constructor(plan: RoundPlan, producer: ProducerUnderTest, consumers: readonly ConsumerProcess[]) {
    this.#all = plan.warmUp + plan.tasks;
    this.due = new Float64Array(this.#all);
    this.submitted = new Float64Array(this.#all);
    this.#producer = producer;
    for (const consumer of consumers) {
      consumer.onRecorded = (count) => {
        this.#recorded += count;
        this.#wake();
      };
      consumer.onFailed = (reason) => this.#fail(new Error(reason));
    }
  }

  async saturate(outstanding: number): Promise<void> {
    while (this.#sent < this.#all) {
      const room = Math.min(outstanding - (this.#sent - this.#recorded), this.#all - this.#sent);
      if (room < Math.min(BULK.least, this.#all - this.#sent)) {
        await this.#change();
        continue;
      }
      this.#submit(Math.min(room, BULK.most), machineNow());
      // Others have their turn: results come in, requests go out.
      await setImmediate();
    }
    await this.#allRecorded();
  }

  async schedule(perSecond: number): Promise<void> {
    const start = machineNow() + 10;
    const dueAt = (index: number): number => start + (index * 1_000) / perSecond;
    while (this.#sent < this.#all) {
      const wait = dueAt(this.#sent) - machineNow();
      if (wait > 0) await sleep(wait);
      let count = 0;
      for (const now = machineNow(); this.#sent + count < this.#all && dueAt(this.#sent + count) <= now; count++) {
        this.due[this.#sent + count] = dueAt(this.#sent + count);
      }
      if (count > 0) this.#submit(count);
      this.#check();
    }
    await this.#allRecorded();
  }

  /** @param due when they should be submitted, if not said already */
  #submit(count: number, due?: number): void {
    const tasks: BenchTask[] = [];
    const now = machineNow();
    for (let index = this.#sent; index < this.#sent + count; index++) {
      tasks.push(benchTask(index));
      if (due !== undefined) this.due[index] = due;
      this.submitted[index] = now;
    }
    this.#sent += count;
    this.#producer.submit(tasks).catch((error: unknown) => this.#fail(error));
  }

  async #allRecorded(): Promise<void> {
    while (this.#recorded < this.#all) await this.#change();
  }

  /** Waits until something has been recorded. */
  async #change(): Promise<void> {
    this.#check();
    const change = new Deferred<void>();
    this.#wake = change.resolve;
    const state = (): string => `${this.#recorded} of ${this.#sent} tasks submitted are recorded`;
    const silence = setTimeout(
      () => change.reject(new Error(`nothing recorded for ${SILENCE_MS} ms: ${state()}`)),
      SILENCE_MS,
    );
    await change.promise.finally(() => clearTimeout(silence));
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }
}

/** A process with a share of the consumers. */
class ConsumerProcess {
  readonly ready: Promise<void>;
  onRecorded: (count: number) => void = () => undefined;
  onFailed: (reason: string) => void = () => undefined;
  readonly #child: ChildProcess;
  readonly #times = new Deferred<{ readonly times: ConsumerTimes; readonly cpuMicros: number }>();

  constructor(plan: RoundPlan, which: number) {
    // Typed arrays come back.
    this.#child = fork(plan.consumerProgram, [], { serialization: 'advanced', execArgv: [] });
    const ready = new Deferred<void>();
    this.ready = ready.promise;
    // Whoever waits for one of them hears of it.
    this.ready.catch(() => undefined);
    this.#times.promise.catch(() => undefined);
    const fail = (reason: string): void => {
      this.onFailed(reason);
      ready.reject(new Error(reason));
      this.#times.reject(new Error(reason));
    };
    this.#child.on('message', (message: FromConsumer) => {
      if (message.say === 'ready') ready.resolve();
      else if (message.say === 'recorded') this.onRecorded(message.count);
      else if (message.say === 'times') this.#times.resolve(message);
      else fail(message.reason);
    });
    this.#child.on('exit', (code, signal) => fail(`a consumer process ended with ${code ?? signal}`));
    const first = Math.floor((plan.consumers * which) / plan.consumerProcesses);
    const count = Math.floor((plan.consumers * (which + 1)) / plan.consumerProcesses) - first;
    const { engine, arena, workMs } = plan;
    this.#tell({ say: 'begin', engine, arena, share: { first, count }, workMs });
  }

  /** Ends the process; returns what it measured. */
  async end(): Promise<{ readonly times: ConsumerTimes; readonly cpuMicros: number }> {
    this.#tell({ say: 'end' });
    const told = await this.#times.promise;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
    return told;
  }

  #tell(message: ToConsumer): void {
    this.#child.send(message);
  }
}
