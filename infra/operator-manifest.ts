import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as a manifest has it. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

/** The objects of an operator's manifest in the two steps they are made in. */
export interface OperatorObjects {
  /** Namespaces and the definitions of the operator's kinds: the others need them. */
  readonly definitions: readonly ManifestObject[];
  readonly others: readonly ManifestObject[];
}

/**
 * Reads a manifest of several YAML documents.
 *
 * @throws Error when it is no YAML, or a document is no Kubernetes object.
 */
export function readOperatorManifest(text: string): OperatorObjects {
  const documents = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false });
  const objects = ('empty' in documents ? [] : documents)
    .map((document, i) => {
      const [error] = document.errors;
      if (error !== undefined) throw new Error(`document ${i + 1} of the operator’s manifest: ${error.message}`);
      return { position: i + 1, value: document.toJS() as unknown };
    })
    .filter(({ value }) => value !== null)
    .map(({ position, value }) => {
      if (isObject(value)) return value;
      throw new Error(`document ${position} of the operator’s manifest has no apiVersion, kind or metadata.name`);
    });
  const first = (object: ManifestObject): boolean => FIRST.includes(object.kind);
  return {
    definitions: objects.filter(first),
    others: objects.filter((object) => !first(object)),
  };
}

const FIRST: readonly string[] = ['Namespace', 'CustomResourceDefinition'];

function isObject(value: unknown): value is ManifestObject {
  if (typeof value !== 'object' || value === null) return false;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return false;
  if (typeof metadata !== 'object' || metadata === null) return false;
  return typeof (metadata as Record<string, unknown>)['name'] === 'string';
}

/** Pulumi's type token of an object, the same that the class of its kind has: `kubernetes:apps/v1:Deployment`. */
export function typeToken({ apiVersion, kind }: Pick<ManifestObject, 'apiVersion' | 'kind'>): string {
  return `kubernetes:${apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`}:${kind}`;
}
