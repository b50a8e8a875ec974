import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ExperimentError, type Problem } from '../runtime/kernel/errors.js';
import { SECOND } from '../runtime/kernel/units.js';
import { reasonOf, within, type Asking } from './asking.js';

/** How long the manifest, of a megabyte or so, may take. */
const LIMIT_MS = 30 * SECOND;

const PATH = 'deployment.stores.postgres.operator';

/** An operator as it is named in the config. */
export interface NamedOperator {
  /** An https address, or the path of a file. */
  readonly manifest: string;
  /** SHA-256 of the manifest, hex. */
  readonly sha256: string;
}

/**
 * The manifest of an operator, believed only when it is the very one that was named.
 *
 * @throws ExperimentError CONFIG_INVALID when it cannot be read, within 30 s, or its SHA-256 is another.
 */
export async function readManifest({ manifest, sha256 }: NamedOperator, asking: Asking): Promise<string> {
  const text = await read(manifest, asking).catch((error: unknown) => {
    throw refused({
      path: `${PATH}.manifest`,
      value: manifest,
      message: `cannot be read: ${reasonOf(error)}`,
      hint: 'check the https address and the network, or give the path of a copy',
    });
  });
  const found = createHash('sha256').update(text).digest('hex');
  if (found === sha256) return text;
  throw refused({
    path: `${PATH}.sha256`,
    value: sha256,
    message: `the manifest has ${found}`,
    hint: 'if it was changed on purpose, write its new sum',
  });
}

function read(manifest: string, { fetch, clock }: Asking): Promise<string> {
  if (!manifest.startsWith('https://')) return readFile(manifest, 'utf8');
  return within(clock, LIMIT_MS, `GET ${manifest}`, async (signal) => {
    const response = await fetch(manifest, { method: 'GET', headers: {}, signal });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return response.text();
  });
}

function refused(problem: Problem): ExperimentError {
  return new ExperimentError('CONFIG_INVALID', 'the operator cannot be had', [problem]);
}
