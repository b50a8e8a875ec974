import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that is to go wrong; see stand-ins/cloud.mjs. */
export interface Fault {
  /** End of the type's token: `:Deployment`. */
  readonly type?: string;
  /** Name of the resource in the program. */
  readonly name?: string;
  readonly on: 'create' | 'update' | 'delete';
  readonly does: 'fail' | 'hang' | 'lost' | 'not-ready';
  readonly times?: number;
}

export interface CloudResource {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface CloudEntry {
  /** Epoch ms. */
  readonly at: number;
  readonly op: 'create' | 'update' | 'delete' | 'cascade';
  readonly provider: string;
  readonly type: string;
  readonly name: string;
  readonly id: string;
}

interface Stored extends CloudResource {
  readonly managers?: Readonly<Record<string, string>>;
}

/** What the stand-ins keep: everything that exists, and everything that was done. */
export class CloudFolder {
  constructor(
    readonly folder: string,
    readonly logFile: string,
  ) {}

  /** Everything that exists, what controllers made included; `random` and the like are no clouds. */
  resources(): readonly CloudResource[] {
    return ['gcp', 'aws', 'kubernetes'].flatMap((provider) => this.#files(provider).map(read));
  }

  /** Everything that was done, in its order. */
  log(): readonly CloudEntry[] {
    if (!existsSync(this.logFile)) return [];
    const lines = readFileSync(this.logFile, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as CloudEntry);
  }

  /** Index in the log of the first deletion of such a resource; -1 when there is none. */
  deletionOf(type: string, name?: string): number {
    const hits = (entry: CloudEntry): boolean =>
      entry.op === 'delete' && entry.type.endsWith(type) && (name ?? entry.name) === entry.name;
    return this.log().findIndex(hits);
  }

  /** Somebody else sets the field `spec.replicas` of an object, and owns it from then on. */
  scaleAs(manager: string, type: string, id: string, replicas: number): void {
    const file = this.#files('kubernetes').find((one) => read(one).type === type && read(one).id === id);
    if (file === undefined) throw new Error(`${type} ${id} does not exist`);
    const found: Stored = read(file);
    const properties = { ...found.properties, spec: { ...(found.properties['spec'] as object), replicas } };
    writeFileSync(
      file,
      JSON.stringify({ ...found, properties, managers: { ...found.managers, 'spec.replicas': manager } }),
    );
  }

  /** Somebody deletes it by hand. */
  remove(type: string, id: string): void {
    const file = ['gcp', 'aws', 'kubernetes']
      .flatMap((provider) => this.#files(provider))
      .find((one) => read(one).type === type && read(one).id === id);
    if (file === undefined) throw new Error(`${type} ${id} does not exist`);
    rmSync(file);
  }

  /** Everything that exists there exists here, too. */
  copyFrom(other: CloudFolder): void {
    cpSync(other.folder, this.folder, { recursive: true });
  }

  #files(provider: string): readonly string[] {
    const folder = join(this.folder, provider);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  }
}

function read(file: string): Stored {
  return JSON.parse(readFileSync(file, 'utf8')) as Stored;
}
