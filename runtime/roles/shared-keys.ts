import { SharedKeyTokens } from '../agents/adapters/shared-key-tokens.js';
import { KeyPools } from '../agents/key-pools.js';
import type { SideKeys } from '../queue/port.js';
import type { RoleHost } from './role.js';

/**
 * The limits of the experiment's API keys, shared with all other agents of the run; null where nothing is limited.
 *
 * @param keys where the run keeps them; asked for with the first call that is to be made.
 */
export function sharedKeys(
  { experiment, identity, clock }: RoleHost,
  keys: () => SideKeys,
  onError: (error: unknown) => void,
): KeyPools | null {
  const { executor } = experiment;
  if (executor.type === 'simulated' || executor.providers.length === 0) return null;
  const holder = `${identity.id}.${identity.incarnation}`;
  return new KeyPools(
    clock,
    executor.providers,
    (rules) =>
      new SharedKeyTokens({
        ...{ rules, clock, holder, onError },
        keys: { run: (...question) => keys().run(...question) },
      }),
  );
}
