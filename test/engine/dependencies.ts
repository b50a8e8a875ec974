import type { StateResource } from './harness.js';

/** Which resources the engine makes after which, and so deletes before them. */
export class Dependencies {
  readonly #resources: readonly StateResource[];
  readonly #direct: ReadonlyMap<string, readonly string[]>;

  constructor(resources: readonly StateResource[]) {
    this.#resources = resources.filter(({ type }) => type !== 'pulumi:pulumi:Stack');
    this.#direct = new Map(this.#resources.map((one) => [one.urn, direct(one)]));
  }

  /** The resources, components aside, of a type that ends so, by name if one is given. @throws Error when there is none. */
  of(type: string, name?: string): readonly StateResource[] {
    const found = this.#resources.filter(
      (one) => one.custom && one.type.endsWith(type) && (name === undefined || nameOf(one) === name),
    );
    if (found.length === 0) throw new Error(`there is no ${type} ${name ?? ''}`);
    return found;
  }

  /** Everything in the cluster. */
  inCluster(): readonly StateResource[] {
    return this.#resources.filter(({ custom, type }) => custom && type.startsWith('kubernetes:'));
  }

  /** What is declared by components of that class. */
  within(component: string): readonly StateResource[] {
    return this.#resources.filter(({ urn, custom }) => custom && urn.includes(`:${component}$`));
  }

  /** Pairs of which the second could be gone while the first is still there. */
  unordered(first: readonly StateResource[], second: readonly StateResource[]): readonly string[] {
    return first.flatMap((one) => {
      const after = this.#closure(one.urn);
      return second.filter(({ urn }) => !after.has(urn)).map((other) => `${title(one)} before ${title(other)}`);
    });
  }

  #closure(urn: string): ReadonlySet<string> {
    const seen = new Set([urn]);
    for (const known of seen) for (const next of this.#direct.get(known) ?? []) seen.add(next);
    return seen;
  }
}

function direct({ dependencies = [], propertyDependencies = {}, parent, provider }: StateResource): string[] {
  return [
    ...dependencies,
    ...Object.values(propertyDependencies).flatMap((urns) => urns ?? []),
    ...(parent === undefined ? [] : [parent]),
    // A reference is the provider's URN and its id.
    ...(provider === undefined ? [] : [provider.slice(0, provider.lastIndexOf('::'))]),
  ];
}

const nameOf = ({ urn }: StateResource): string => urn.split('::').slice(3).join('::');
const title = (one: StateResource): string => `${one.type} ${nameOf(one)}`;
