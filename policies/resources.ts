import { known, textAt } from './known.js';

/** What rules need of a resource; Pulumi's own descriptions of one, in a stack or alone, are such. */
export interface Described {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: unknown;
}

/** A resource with its properties copied by {@link known}. */
export interface Declared {
  /** `kubernetes:apps/v1:Deployment` */
  readonly type: string;
  /** Name in the Pulumi program. */
  readonly name: string;
  readonly urn: string;
  readonly props: unknown;
}

/** The resource, safe to be read in a preview. */
export function declared({ type, name, urn, props }: Described): Declared {
  return { type, name, urn, props: known(props) };
}

/** The resources of some types, safe to be read in a preview. */
export function ofTypes(resources: readonly Described[], types: readonly string[]): Declared[] {
  return resources.filter(({ type }) => types.includes(type)).map(declared);
}

/** `Deployment miyabi-agent`, `NodePool agent-pool`: kind, and the name that people know it by. */
export function titleOf({ type, name, props }: Declared): string {
  const kind = type.slice(type.lastIndexOf(':') + 1);
  return `${kind} ${textAt(props, 'metadata', 'name') ?? textAt(props, 'name') ?? name}`;
}

/**
 * Whether the resource belongs to the archive, which is meant to outlive the stack: its name, or a component it is
 * part of, says so.
 */
export function isOfArchive({ urn, name }: Pick<Declared, 'urn' | 'name'>): boolean {
  // urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME
  const types = urn.split('::')[2] ?? '';
  return /archive/i.test(name) || /archive/i.test(types);
}
