import type { ResourceValidationArgs, StackValidationArgs, StackValidationPolicy } from '@pulumi/policy';
import { DeclaredInputs } from '../../policies/declared-inputs.js';
import { resource } from './stage.js';

describe('rules about a whole stack', () => {
  test('are shown what was declared, where the engine has no outputs yet', async () => {
    const inputs = new DeclaredInputs();
    const seen: unknown[] = [];
    const rule: StackValidationPolicy = {
      name: 'looks',
      description: 'Looks at everything.',
      validateStack: ({ resources }) => {
        seen.push(...resources.map(({ props }) => props['a']));
      },
    };
    const declared = resource('kubernetes:core/v1:ConfigMap', { a: 'declared' });
    const { validateResource } = inputs.rule;
    if (typeof validateResource !== 'function') throw new Error('one rule is expected');
    await validateResource(declared as unknown as ResourceValidationArgs, () => undefined);
    const others = [resource('kubernetes:core/v1:ConfigMap', {}), resource('x:y:Z', { a: 'an output' })];
    const args = { resources: others } as unknown as StackValidationArgs;
    await inputs.shownTo(rule).validateStack(args, () => undefined);
    expect(seen).toEqual(['declared', 'an output']);
  });
});
