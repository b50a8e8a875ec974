import { setTimeout } from 'node:timers';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/*
 * What exists «in the cloud»: a folder per provider with a JSON file per resource, so that tests can look at it, change
 * it, and find it again after an interruption. The environment says where and how:
 *
 * - STAND_IN_STATE   the folder.
 * - STAND_IN_LOG     file for a line of NDJSON per create, update and delete.
 * - STAND_IN_DELAY   how long each of them takes, ms (default 0).
 * - STAND_IN_FAULTS  JSON list of {type, name, on, does, times}: the first `times` (default 1) operations `on`
 *                    (create, update, delete) of resources whose type ends in `type` and whose name is `name` (both
 *                    may be left out) `fail`, `hang` until cancelled, are done while the answer never comes
 *                    (`lost`), or are done but never get ready (`not-ready`).
 */

const {
  STAND_IN_STATE: root,
  STAND_IN_LOG: logFile,
  STAND_IN_DELAY: delay = '0',
  STAND_IN_FAULTS: faults = '[]',
} = process.env;
if (root === undefined) throw new Error('STAND_IN_STATE must name the folder for what exists in the cloud');

const cancelled = Promise.withResolvers === undefined ? withResolvers() : Promise.withResolvers();

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Ends everything that hangs. */
export const cancel = () => cancelled.resolve('cancelled');

const fileOf = (provider, type, id) =>
  join(root, provider, `${encodeURIComponent(`${type} ${id}`).slice(0, 200)}-${hash(`${type} ${id}`)}.json`);

/** Eight hexadecimal digits that depend on nothing but the text. */
export const hash = (text) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The resource there, or undefined. */
export function find(provider, type, id) {
  const file = fileOf(provider, type, id);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Everything of a provider. */
export function all(provider) {
  const folder = join(root, provider);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    try {
      return [JSON.parse(readFileSync(join(folder, file), 'utf8'))];
    } catch (error) {
      // Deleted by a parallel operation since the folder was listed.
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Puts a resource `{type, id, name, properties, …}` there, whole or not at all. */
export function put(provider, resource) {
  const file = fileOf(provider, resource.type, resource.id);
  mkdirSync(join(root, provider), { recursive: true });
  writeFileSync(`${file}.tmp`, JSON.stringify(resource, null, 2));
  renameSync(`${file}.tmp`, file);
}

export function remove(provider, type, id) {
  rmSync(fileOf(provider, type, id), { force: true });
}

export function record(line) {
  if (logFile !== undefined) appendFileSync(logFile, `${JSON.stringify({ at: Date.now(), ...line })}\n`);
}

/** Takes as long as an operation of this cloud takes. */
export async function takeTime() {
  await Promise.race([new Promise((resolve) => setTimeout(resolve, Number(delay))), cancelled.promise]);
}

/** Waits until the operation is cancelled. */
export const hang = () => cancelled.promise;

/** What is to go wrong with this operation, `fail`, `hang`, `lost` or `not-ready`; each fault is used up by it. */
export function faultOf(on, type, name) {
  const list = JSON.parse(faults);
  for (const [index, fault] of list.entries()) {
    const hits =
      fault.on === on &&
      (fault.type === undefined || type.endsWith(fault.type)) &&
      (fault.name === undefined || fault.name === name);
    if (hits && useUp(`fault-${hash(JSON.stringify(fault))}-${index}`, fault.times ?? 1)) return fault.does;
  }
  return undefined;
}

/** True for the first `times` calls, over all processes. */
function useUp(key, times) {
  mkdirSync(root, { recursive: true });
  for (let i = 0; i < times; i++) {
    try {
      writeFileSync(join(root, `${key}-${i}`), '', { flag: 'wx' });
      return true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
  return false;
}
