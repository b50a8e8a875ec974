/** What yields to what when nodes are full. */
export type PriorityName = 'control' | 'store' | 'agent';

/** Higher wins. All above 0, the default of other people's pods, and far below the cluster's own (two thousand million). */
export const PRIORITIES: Readonly<Record<PriorityName, { readonly value: number; readonly description: string }>> = {
  control: { value: 300_000, description: 'Roles that steer and watch an experiment' },
  store: { value: 200_000, description: 'Stores of an experiment' },
  agent: { value: 100_000, description: 'Agents: they may be replaced at any time' },
};

/** Name of a priority class; they belong to the whole cluster, so the namespace is part of it. */
export function priorityClassName(namespace: string, priority: PriorityName): string {
  return `${namespace}-${priority}`;
}
