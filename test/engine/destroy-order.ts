import type { CloudEntry } from './cloud-folder.js';
import type { Dependencies } from './dependencies.js';

const SET = 'apps/v1:StatefulSet';
const POSTGRES = 'postgresql.cnpg.io/v1:Cluster';
const POOL = 'gcp:container/nodePool:NodePool';
const CLUSTER = 'gcp:container/cluster:Cluster';

/*
 * The order of a destroy: what the dependencies force, so that it is not the luck of one run, and what was done.
 */

/** An operator's objects before the operator that tidies up after them, its rights and its definitions. */
export function expectOperatorLast(dependencies: Dependencies): void {
  const operator = dependencies.within('PostgresOperator');
  expect(operator.map(({ type }) => type)).toContain('kubernetes:apps/v1:Deployment');
  expect(dependencies.unordered(dependencies.of(POSTGRES), operator)).toEqual([]);
}

/** The last export needs what it reads, where it writes, its account and the rules that let it through. */
export function expectExportFirst(dependencies: Dependencies, destroyed: readonly CloudEntry[]): void {
  const needed = [
    ...dependencies.of(SET),
    ...dependencies.of(POSTGRES),
    ...dependencies.of('core/v1:ServiceAccount', 'access-archiver'),
    ...dependencies.of('networking.k8s.io/v1:NetworkPolicy', 'network-rules-archiver'),
    ...dependencies.within('ArchiveBucket'),
    ...dependencies.within('ArchiveIdentity'),
  ];
  expect(dependencies.unordered(dependencies.of('apps/v1:Deployment', 'archiver'), needed)).toEqual([]);
  const stores = [...indices(destroyed, SET), ...indices(destroyed, POSTGRES)];
  expect(destroyed.findIndex(({ name }) => name === 'archiver')).toBeLessThan(Math.min(...stores));
}

/** Nothing of the cluster is left to its end, volumes least of all: their disks would stay, and be paid for. */
export function expectNodesLast(dependencies: Dependencies, destroyed: readonly CloudEntry[]): void {
  const [pools, clusters] = [dependencies.of(POOL), dependencies.of(CLUSTER)];
  expect(pools).toHaveLength(3);
  const ground = [...pools, ...clusters, ...dependencies.of(':RouterNat')];
  expect(dependencies.unordered(dependencies.inCluster(), ground)).toEqual([]);
  expect(dependencies.unordered(pools, clusters)).toEqual([]);
  expect(indices(destroyed, ':PersistentVolumeClaim').length).toBeGreaterThan(0);
  expect(Math.max(...indices(destroyed, 'kubernetes:'))).toBeLessThan(Math.min(...indices(destroyed, POOL)));
  expect(Math.max(...indices(destroyed, POOL))).toBeLessThan(Math.min(...indices(destroyed, CLUSTER)));
}

const indices = (destroyed: readonly CloudEntry[], type: string): number[] =>
  destroyed.flatMap((entry, index) => (entry.type.includes(type) ? [index] : []));
