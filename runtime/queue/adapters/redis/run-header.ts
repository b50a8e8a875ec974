import { z } from 'zod';
import { ExperimentError, type Problem } from '../../../kernel/errors.js';
import { partitionTag } from './key-slot.js';
import { Script } from './slot-channel.js';

/** Says how a run's keys are to be read. Raised with every change of them that an older process cannot read. */
const PROTOCOL_VERSION = 1;

/** Most partitions of a run. */
const MOST_PARTITIONS = 256;

/** What all processes of a run have to agree on. */
export interface RunHeader {
  readonly run: string;
  readonly protocol: number;
  readonly partitions: number;
  /** Hash tag of each partition. */
  readonly tags: readonly string[];
  /** Digest of the experiment that is run. */
  readonly specHash: string;
}

const stored = z.object({
  run: z.string(),
  protocol: z.coerce.number().int(),
  partitions: z.coerce.number().int().min(1).max(MOST_PARTITIONS),
  tags: z.string().transform((text, context) => {
    try {
      return z.array(z.string()).parse(JSON.parse(text));
    } catch {
      context.addIssue('must be a JSON list of tags');
      return z.NEVER;
    }
  }),
  spec: z.string(),
});

/** The first process writes it, all others read what it wrote. */
export const HEADER_SCRIPT = new Script(`
if redis.call('TYPE', KEYS[1]).ok == 'none' then redis.call('HSET', KEYS[1], unpack(ARGV)) end
return redis.call('HGETALL', KEYS[1])
`);

export const headerKey = (run: string): string => `ae:${run}:header`;

/** @param partitions how many there are where this process is the first. */
export function newHeader(run: string, partitions: number, specHash: string): RunHeader {
  const tags = Array.from({ length: partitions }, (_, index) => partitionTag(index, partitions));
  return { run, protocol: PROTOCOL_VERSION, partitions, tags, specHash };
}

/** The arguments of {@link HEADER_SCRIPT}. */
export function headerFields(header: RunHeader): string[] {
  const { run, protocol, partitions, tags, specHash } = header;
  return Object.entries({ run, protocol, partitions, tags: JSON.stringify(tags), spec: specHash }).flatMap(
    ([name, value]) => [name, String(value)],
  );
}

/**
 * The header that is in Redis, if this process can take part in that run.
 *
 * @param reply what {@link HEADER_SCRIPT} answered.
 * @param wanted number of partitions that was asked for; 'auto' goes by the header.
 * @throws ExperimentError FOREIGN_KEYS when the keys are another run's or another version's.
 */
export function readHeader(reply: unknown, own: RunHeader, wanted: number | 'auto'): RunHeader {
  const path = headerKey(own.run);
  const flat = z.array(z.string()).safeParse(reply).data ?? [];
  const fields = Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
  const parsed = stored.safeParse(fields);
  if (!parsed.success) {
    throw foreign(own.run, [{ path, message: 'is no header of a run: the keys belong to something else' }]);
  }
  const { run, protocol, partitions, tags, spec: specHash } = parsed.data;
  const problems: Problem[] = [];
  const differs = (field: string, value: string | number, expected: string | number, what: string): void => {
    if (value !== expected) problems.push({ path: `${path} ${field}`, value: String(value), message: what });
  };
  differs('run', run, own.run, `must be ${own.run}`);
  differs('protocol', protocol, own.protocol, `must be ${own.protocol}, the version of this program`);
  differs('spec', specHash, own.specHash, `must be ${own.specHash}, the digest of this process's experiment`);
  differs('tags', tags.length, partitions, `must name ${partitions} partitions`);
  if (wanted !== 'auto') differs('partitions', partitions, wanted, `must be ${wanted}, as this process was told`);
  if (problems.length > 0) throw foreign(own.run, problems);
  return { run, protocol, partitions, tags, specHash };
}

/** Keys of the run's name hold something that is no run of ours. */
export function foreign(run: string, problems: readonly Problem[]): ExperimentError {
  const hint = `give the run another id than ${run}, or remove the keys ae:${run}:* when nothing needs them any more`;
  const [last] = problems.slice(-1);
  const told = last === undefined ? [] : [...problems.slice(0, -1), { ...last, hint }];
  return new ExperimentError('FOREIGN_KEYS', `Redis holds a foreign run's keys under the name ${run}`, told);
}

/** What is wrong with a run id or a number of partitions; empty when nothing is. */
export function headerProblems(run: string, partitions: number | 'auto'): Problem[] {
  const problems: Problem[] = [];
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(run)) {
    const message = 'must be 1 to 128 letters, digits, dots, dashes or underscores, a letter or digit first';
    problems.push({ path: 'run id', value: `"${run}"`, message });
  }
  if (partitions !== 'auto' && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= MOST_PARTITIONS)) {
    const message = `must be a whole number from 1 to ${MOST_PARTITIONS}, or auto: one for each primary`;
    problems.push({ path: 'queue partitions', value: String(partitions), message });
  }
  return problems;
}
