import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import { ExperimentError } from '../kernel/errors.js';
import { compileExperiment } from './compile.js';
import type { Experiment } from './experiment.js';
import type { ExperimentOverrides } from './overrides.js';
import { parseExperiment, type Source } from './parse.js';
import type { Locate, Path } from './problems.js';
import type { ExperimentOptions } from './schema.js';

/** The key of the stack's config the experiment is written under. */
export const EXPERIMENT_KEY = 'agent-experiment:experiment';

/**
 * From the text of a file to the compiled experiment. The file is a Pulumi stack's (`config: {agent-experiment:experiment: …}`),
 * or any YAML with the same object at its top, or below that key.
 *
 * @param fileName for messages only.
 * @throws ExperimentError FILE_UNREADABLE when the text is no YAML, CONFIG_INVALID when it is no valid experiment.
 */
export function loadExperiment(text: string, fileName: string, overrides: ExperimentOverrides = {}): Experiment {
  return compileExperiment(readExperimentOptions(text, fileName), overrides);
}

/** The options stage of {@link loadExperiment}; throws the same. */
function readExperimentOptions(text: string, fileName: string): ExperimentOptions {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  refuseErrors(document, lines, fileName);
  const root: unknown = toValue(document, fileName);
  const prefix = experimentPath(root);
  if (prefix === null) throw missing(fileName, root);
  const source: Source = { file: fileName, pathPrefix: prefix.join('.'), locate: locator(document, lines, prefix) };
  return parseExperiment(valueIn(root, prefix), source);
}

function refuseErrors(document: Document.Parsed, lines: LineCounter, fileName: string): void {
  if (document.errors.length === 0) return;
  const problems = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return {
      path: `${fileName}:${line}:${col}`,
      message: firstLine(error.message),
      hint: 'check quotes, brackets and indentation there; is the file complete?',
    };
  });
  throw new ExperimentError('FILE_UNREADABLE', `${fileName} cannot be read as YAML`, problems);
}

function toValue(document: Document.Parsed, fileName: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases without an anchor, or far too many of them.
    const message = error instanceof Error ? firstLine(error.message) : String(error);
    throw new ExperimentError('FILE_UNREADABLE', `${fileName} cannot be read as YAML`, [{ path: fileName, message }], {
      cause: error,
    });
  }
}

/** Where the experiment stands in the file; null when it is not there. */
function experimentPath(root: unknown): string[] | null {
  if (!isObject(root)) return null;
  if (EXPERIMENT_KEY in root) return [EXPERIMENT_KEY];
  if (!('config' in root)) return [];
  return isObject(root['config']) && EXPERIMENT_KEY in root['config'] ? ['config', EXPERIMENT_KEY] : null;
}

function missing(fileName: string, root: unknown): ExperimentError {
  if (root === null || root === undefined) {
    return new ExperimentError('FILE_UNREADABLE', `${fileName} is empty`, [
      { path: fileName, message: 'has nothing in it', hint: 'is the file complete?' },
    ]);
  }
  if (!isObject(root)) {
    return new ExperimentError('CONFIG_INVALID', `${fileName} is no experiment`, [
      { path: fileName, message: 'must be a block of keys, such as Pulumi.phase3.yaml' },
    ]);
  }
  return new ExperimentError('CONFIG_INVALID', `${fileName} has no experiment`, [
    {
      path: 'config',
      message: `the key ${EXPERIMENT_KEY} is missing`,
      hint: 'write the experiment under it, as in Pulumi.phase3.yaml',
    },
  ]);
}

function locator(document: Document.Parsed, lines: LineCounter, prefix: Path): Locate {
  return (path) => {
    for (let length = path.length; length >= 0; length -= 1) {
      const offset = keyOffset(document, [...prefix, ...path.slice(0, length)]);
      if (offset === null) continue;
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    }
    return null;
  };
}

/** Where the key (or, in a list, the value) at `path` begins in the text. */
function keyOffset(document: Document.Parsed, path: Path): number | null {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => String(key) === String(last));
    return rangeStart(pair?.key);
  }
  return rangeStart(document.getIn(path, true));
}

function rangeStart(node: unknown): number | null {
  return isObject(node) && Array.isArray(node['range']) && typeof node['range'][0] === 'number'
    ? node['range'][0]
    : null;
}

function valueIn(root: unknown, path: Path): unknown {
  return path.reduce((value, step) => (isObject(value) ? value[String(step)] : undefined), root);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
