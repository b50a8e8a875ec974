import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ControlClient } from '../../control/client.js';
import { isAlive } from '../../control/control-file.js';
import { findLiveRun, liveRuns, type LiveRun } from '../../control/find-run.js';
import type { RunStatus } from '../../control/port.js';
import { EXIT, ExperimentError } from '../../kernel/errors.js';
import { SECOND } from '../../kernel/units.js';
import { RUN_FILES } from '../../record/run-folder.js';
import { parseReport } from '../../report/render-json.js';
import { formatCount, formatDuration, parseDuration } from '../../spec/units.js';
import { FlagReader, refuseFlags } from '../flags.js';
import type { Io } from '../io.js';
import { COMMAND, shellWord, shownPath } from '../shown.js';

export interface ControlFlags {
  readonly run?: string;
}

export interface DrainFlags extends ControlFlags {
  readonly timeout: string;
  /** False = `--no-wait`. */
  readonly wait: boolean;
}

/** How often a command that waits looks again, ms. */
const LOOK_MS = 200;
/** A run that has stopped writes its report within this, ms. */
const REPORT_WITHIN_MS = 60 * SECOND;
/** A process that has not answered an emergency stop after this is killed, ms. */
const HALT_WITHIN_MS = 2 * SECOND;
/** Beyond the drain's own limit, ms. */
const DRAIN_GRACE_MS = 5 * SECOND;

export async function pause(flags: ControlFlags, io: Io): Promise<number> {
  const { client } = await reach(flags, io);
  await client.command('pause');
  io.stdout.write(`Paused: no new tasks arrive, the running ones go on. ${COMMAND} resume goes on.\n`);
  return EXIT.met;
}

export async function resume(flags: ControlFlags, io: Io): Promise<number> {
  const { client } = await reach(flags, io);
  await client.command('resume');
  io.stdout.write('Running again: the arrivals go on where they stood.\n');
  return EXIT.met;
}

/** Takes no new tasks, and waits until those accepted are finished or the time is up. */
export async function drain(flags: DrainFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const timeoutMs = reader.quantity('--timeout', flags.timeout, parseDuration) ?? 0;
  refuseFlags(reader.problems);
  const { client } = await reach(flags, io);
  await client.command('drain', { timeoutMs });
  if (!flags.wait) {
    io.stdout.write(`Draining, for at most ${formatDuration(timeoutMs)}.\n`);
    return EXIT.met;
  }
  const until = io.clock.now() + timeoutMs + DRAIN_GRACE_MS;
  for (;;) {
    const status = await client.status();
    if (status.drained || status.state !== 'draining' || io.clock.now() > until) {
      io.stdout.write(`${drainedText(status)}\n`);
      return EXIT.met;
    }
    await io.clock.sleep(LOOK_MS);
  }
}

export async function scale(agents: string, flags: ControlFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const wanted = reader.whole('N', agents);
  if (wanted === 0) reader.refuse('N', agents, 'must be at least 1', `${COMMAND} stop ends the run`);
  refuseFlags(reader.problems);
  const { client } = await reach(flags, io);
  await client.command('scale', { agents: wanted });
  io.stdout.write(
    `Scaling to ${formatCount(wanted ?? 0)} agents; the autoscaler does not go below that from now on.\n`,
  );
  return EXIT.met;
}

export async function chaos(setting: string, flags: ControlFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  const wanted = reader.choice('on|off', setting, ['on', 'off'] as const);
  refuseFlags(reader.problems);
  const { client } = await reach(flags, io);
  const { on, halted } = await client.command('chaos', { on: wanted === 'on' });
  if (wanted === 'on' && on !== true) {
    const reason = typeof halted === 'string' ? halted : 'the experiment has no faults to inject';
    io.stdout.write(`Chaos stays off: ${reason}\n`);
    return EXIT.badInput;
  }
  io.stdout.write(on === true ? 'Chaos is on.\n' : 'Chaos is off: open faults are undone, no more are injected.\n');
  return EXIT.met;
}

export async function snapshot(flags: ControlFlags, io: Io): Promise<number> {
  const { client, run } = await reach(flags, io);
  const { file } = await client.command('snapshot');
  const again = shellWord(shownPath(run.folder, io.cwd));
  io.stdout.write(`${shownPath(String(file), io.cwd)}\nOnce the run is over: ${COMMAND} start --resume ${again}\n`);
  return EXIT.met;
}

/** Stops at once and waits for the report. */
export async function stop(flags: ControlFlags, io: Io): Promise<number> {
  const { client, run } = await reach(flags, io);
  await client.command('stop');
  io.stdout.write(`Stopped. ${await ending(run, io)}\n`);
  return EXIT.met;
}

/**
 * Everything off at once. May be repeated: where nothing runs there is nothing to do. A process that does not answer
 * is killed: all that runs is in it.
 */
export async function emergencyStop(flags: ControlFlags, io: Io): Promise<number> {
  if (flags.run === undefined && (await liveRuns(io.cwd)).length === 0) {
    io.stdout.write('Nothing is running here.\n');
    return EXIT.met;
  }
  const run = await findLiveRun(flags.run, io.cwd);
  try {
    const { timeToHaltMs } = await new ControlClient(run, io.clock, HALT_WITHIN_MS).command('emergency-stop');
    const halted = Math.ceil(Number(timeToHaltMs));
    io.stdout.write(`Everything is off, ${halted} ms after the command. ${await ending(run, io)}\n`);
  } catch (error) {
    if (!(error instanceof ExperimentError) || error.code !== 'NO_ANSWER') throw error;
    process.kill(run.control.pid, 'SIGKILL');
    const again = shellWord(shownPath(run.folder, io.cwd));
    io.stdout.write(`The run did not answer: its process was killed. Its report: ${COMMAND} report ${again}\n`);
  }
  return EXIT.met;
}

/** The run that is meant, and a way to talk to it. */
export async function reach({ run: choice }: ControlFlags, io: Io): Promise<{ run: LiveRun; client: ControlClient }> {
  const run = await findLiveRun(choice, io.cwd);
  return { run, client: new ControlClient(run, io.clock) };
}

/** Waits until a stopped run has written its report; says where it is and what the verdict is. */
export async function ending(run: LiveRun, io: Io): Promise<string> {
  const until = io.clock.now() + REPORT_WITHIN_MS;
  const control = join(run.folder, RUN_FILES.control);
  while (existsSync(control) && isAlive(run.control) && io.clock.now() < until) await io.clock.sleep(LOOK_MS);
  const shown = shownPath(run.folder, io.cwd);
  try {
    const report = parseReport(JSON.parse(await readFile(join(run.folder, RUN_FILES.json), 'utf8')));
    return `Verdict: ${report.verdict}. Report: ${join(shown, RUN_FILES.html)}`;
  } catch {
    return `There is no report yet; it is built with ${COMMAND} report ${shellWord(shown)}`;
  }
}

function drainedText({ state, drained, counts }: RunStatus): string {
  const left = counts.queued + counts.leased;
  if (left > 0) return `The time is up with ${formatCount(left)} tasks unfinished. ${COMMAND} stop ends the run.`;
  return drained
    ? `Drained: every task is finished. ${COMMAND} snapshot saves where the run stands, ${COMMAND} stop ends it.`
    : `The run is ${state}.`;
}
