import { constants, existsSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { floorCurve } from '../../cost/agent-curve.js';
import { sizingOf } from '../../cost/deployment-sizing.js';
import { estimateCost } from '../../cost/estimate.js';
import { unpricedRemark } from '../../cost/sizing.js';
import { isAlive, readControlFile } from '../../control/control-file.js';
import { EXIT, ExperimentError } from '../../kernel/errors.js';
import { VERSION } from '../../kernel/version.js';
import { knownRuns, RESULTS_FOLDER } from '../../record/known-runs.js';
import { WANTED_BYTES } from '../../record/run-folder.js';
import { assessFeasibility } from '../../spec/feasibility.js';
import { formatMoney, formatSize } from '../../spec/units.js';
import { readDeployment } from '../deployment-source.js';
import { readExperiment } from '../experiment-source.js';
import { FlagReader, refuseFlags, type ExperimentFlags } from '../flags.js';
import type { Io } from '../io.js';
import { COMMAND, shellWord } from '../shown.js';

export interface CheckFlags extends ExperimentFlags {
  readonly target?: string;
}

/** One thing looked at. */
interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** Says whether an experiment can be started here: program, disk, configuration. Answers 2 when something is missing. */
export async function check(flags: CheckFlags, io: Io): Promise<number> {
  const reader = new FlagReader();
  if (flags.target === 'cluster') {
    reader.refuse('--target', 'cluster', 'comes with a later version', 'take rehearsal or local for now');
  } else {
    reader.choice('--target', flags.target, ['rehearsal', 'local'] as const);
  }
  refuseFlags(reader.problems);
  const findings = [
    { ok: true, text: `agent-experiment ${VERSION} on Node.js ${process.versions.node} (20.19 or newer)` },
    await disk(io.cwd),
    ...(await configuration(flags, io.cwd)),
    ...(await earlierRuns(io.cwd)),
  ];
  for (const { ok, text } of findings) io.stdout.write(`${ok ? '✓' : '✗'} ${text}\n`);
  return findings.every(({ ok }) => ok) ? EXIT.met : EXIT.badInput;
}

async function disk(cwd: string): Promise<Finding> {
  const results = join(cwd, RESULTS_FOLDER);
  const folder = existsSync(results) ? results : dirname(results);
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    return {
      ok: free >= WANTED_BYTES,
      text: `${RESULTS_FOLDER}/ can be written, ${formatSize(wholeMebibytes(free))} free (${formatSize(WANTED_BYTES)} are wanted)`,
    };
  } catch (error) {
    return {
      ok: false,
      text: `${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function wholeMebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20) * 2 ** 20;
}

async function configuration(flags: CheckFlags, cwd: string): Promise<Finding[]> {
  if (flags.phase === undefined && flags.config === undefined) {
    return [{ ok: true, text: 'no experiment was named (--phase N or --config FILE): none was checked' }];
  }
  try {
    const experiment = await readExperiment(flags, new FlagReader(), cwd);
    const { verdict } = assessFeasibility(experiment);
    const sizing = sizingOf(await readDeployment(flags, experiment, cwd));
    const { totalUsd } = estimateCost({ experiment, agentCurve: floorCurve(experiment), sizing });
    const { maxUsd } = experiment.budget;
    const unpriced = unpricedRemark(sizing);
    const cost = `cost at the floor ${formatMoney(totalUsd)} of ${formatMoney(maxUsd)}`;
    return [
      { ok: true, text: `${experiment.title}: the configuration is valid` },
      { ok: verdict !== 'infeasible', text: `load and fleet: ${verdict.replaceAll('_', ' ')}` },
      { ok: totalUsd <= maxUsd, text: unpriced === null ? cost : `${cost}. ${unpriced}` },
    ];
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    return [{ ok: false, text: error.message }];
  }
}

/** Runs that are under way are no fault, those that ended without a word are. */
async function earlierRuns(cwd: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of await knownRuns(cwd)) {
    const control = await readControlFile(join(cwd, RESULTS_FOLDER, name));
    if (control === null) continue;
    findings.push(
      isAlive(control)
        ? { ok: true, text: `run ${name} is under way` }
        : { ok: false, text: `run ${name} ended without a word: ${COMMAND} report ${shellWord(name)}` },
    );
  }
  return findings;
}
