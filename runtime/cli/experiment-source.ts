import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ExperimentError } from '../kernel/errors.js';
import type { Experiment } from '../spec/experiment.js';
import type { ExperimentOverrides } from '../spec/overrides.js';
import { loadExperiment } from '../spec/read-yaml.js';
import { refuseFlags, type ExperimentFlags, type FlagReader, readOverrides } from './flags.js';

/** Where the program itself lies: its own stack files are there. */
const PROGRAM_FOLDER = resolve(__dirname, '../..');

/** The phases there are stack files for. */
const PHASES = [1, 2, 3];

/**
 * The experiment the flags describe: `--config`, or the stack file of the phase (in the caller's folder, else the
 * program's own), changed by the other flags. Throws one error with everything that is wrong in flags and file.
 *
 * @param reader may hold problems of other flags already; they are told in the same message.
 */
export async function readExperiment(flags: ExperimentFlags, reader: FlagReader, cwd: string): Promise<Experiment> {
  const overrides = readOverrides(flags, reader);
  if (flags.phase === undefined && flags.config === undefined) {
    reader.refuse('--phase', undefined, 'is missing: which experiment? --phase 1, 2 or 3, or --config FILE');
  }
  const file = await sourceFile(flags, overrides, cwd, reader);
  if (file === null) {
    refuseFlags(reader.problems);
    throw new Error('no file and nothing wrong');
  }
  return compileWith(file, overrides, reader);
}

interface SourceFile {
  /** As people know it. */
  readonly name: string;
  readonly text: string;
}

async function sourceFile(
  { config }: ExperimentFlags,
  { phase }: ExperimentOverrides,
  cwd: string,
  reader: FlagReader,
): Promise<SourceFile | null> {
  if (config !== undefined) return readSource(config, resolve(cwd, config), reader);
  if (phase === undefined || !PHASES.includes(phase)) return null;
  const name = `Pulumi.phase${phase}.yaml`;
  const own = await readFile(join(cwd, name), 'utf8').catch(() => null);
  return own === null ? readSource(name, join(PROGRAM_FOLDER, name), reader) : { name, text: own };
}

async function readSource(name: string, path: string, reader: FlagReader): Promise<SourceFile | null> {
  try {
    return { name, text: await readFile(path, 'utf8') };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Alone it is an unreadable file; beside wrong flags it is one more thing to put right.
    if (reader.problems.length === 0) {
      throw new ExperimentError(
        'FILE_UNREADABLE',
        `${name} cannot be read`,
        [{ path: name, message, hint: 'check the name and the right to read it' }],
        { cause: error },
      );
    }
    reader.refuse(name, undefined, message);
    return null;
  }
}

/** Compiles; with problems among the flags the file is checked by itself, so that both are told together. */
function compileWith({ text, name }: SourceFile, overrides: ExperimentOverrides, reader: FlagReader): Experiment {
  const { problems } = reader;
  if (problems.length === 0) return loadExperiment(text, name, overrides);
  try {
    loadExperiment(text, name);
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    const inFile = error.problems.map((problem) => ({ ...problem, path: `${name}: ${problem.path}` }));
    throw new ExperimentError(
      'CONFIG_INVALID',
      `${problems.length + inFile.length} problems on the command line and in ${name}`,
      [...problems, ...inFile],
    );
  }
  refuseFlags(problems);
  throw new Error('no problem was left');
}
