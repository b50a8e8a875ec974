import type { Role } from './role.js';

/** The roles of a run, by the names the pods call them. */
export const ROLE_NAMES = ['coordinator', 'agent', 'load-generator', 'autoscaler', 'chaos', 'monitor'] as const;

export type RoleName = (typeof ROLE_NAMES)[number];

/** Where each role's module is; loaded only in the process that runs it. */
export const ROLES: Readonly<Partial<Record<RoleName, () => Promise<Role>>>> = {
  coordinator: async () => (await import('./coordinator.js')).role,
  agent: async () => (await import('./agent.js')).role,
  'load-generator': async () => (await import('./load-generator.js')).role,
  autoscaler: async () => (await import('./autoscaler.js')).role,
  monitor: async () => (await import('./monitor.js')).role,
  chaos: async () => (await import('./chaos.js')).role,
};
