import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ExperimentError } from '../runtime/kernel/errors.js';

/**
 * The manifest of an operator, from an https address or a file, believed only when it is the very one that was named.
 *
 * @throws ExperimentError CONFIG_INVALID when it cannot be read or its SHA-256 is another.
 */
export async function readManifest(manifest: string, sha256: string): Promise<string> {
  const path = 'deployment.stores.postgres.operator.manifest';
  const text = await read(manifest).catch((error: unknown) => {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const hint = 'check the address, or give the path of a copy';
    throw new ExperimentError('CONFIG_INVALID', 'the operator is missing', [{ path, value: manifest, message, hint }], {
      cause: error,
    });
  });
  const found = createHash('sha256').update(text).digest('hex');
  if (found === sha256) return text;
  throw new ExperimentError('CONFIG_INVALID', 'the operator is not the one that was named', [
    {
      path: path.replace('manifest', 'sha256'),
      value: sha256,
      message: `the manifest has ${found}`,
      hint: 'if it was changed on purpose, write its new sum',
    },
  ]);
}

async function read(manifest: string): Promise<string> {
  if (!manifest.startsWith('https://')) return readFile(manifest, 'utf8');
  const response = await fetch(manifest);
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return response.text();
}
