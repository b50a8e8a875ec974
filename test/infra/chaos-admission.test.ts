import { ChaosAdmission } from '../../infra/chaos-admission.js';
import { recordResources, resourcesOf, settled } from './mocks.js';
import { named, roleContext } from './runtime-context.js';
import { IMAGES } from './store-setup.js';

const POLICY = 'kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy';

async function declared(phase: 1 | 3 = 1): Promise<void> {
  recordResources();
  new ChaosAdmission('admission', roleContext(phase));
  await settled();
}

function expressions(name: string): string[] {
  return named(POLICY, name).inputs.spec.validations.map(({ expression }: { expression: string }) => expression);
}

describe('admission', () => {
  test.each(['chaos', 'autoscaler', 'experiment-runner'])('of %s binds its account alone, and denies', async (role) => {
    await declared();
    const { spec } = named(POLICY, `miyabi-experiment-${role}`).inputs;
    expect(spec.failurePolicy).toBe('Fail');
    expect(spec.matchConditions).toHaveLength(1);
    expect(spec.matchConditions[0].expression).toBe(
      `request.userInfo.username == 'system:serviceaccount:miyabi-experiment:${role}'`,
    );
    expect(named(`${POLICY}Binding`, `miyabi-experiment-${role}`).inputs.spec).toEqual({
      policyName: `miyabi-experiment-${role}`,
      validationActions: ['Deny'],
    });
  });

  test('lets chaos delete only pods with the target label, and evict only those of the targets', async () => {
    await declared();
    const { resourceRules } = named(POLICY, 'miyabi-experiment-chaos').inputs.spec.matchConstraints;
    expect(resourceRules).toMatchObject([
      { operations: ['DELETE'], resources: ['pods'] },
      { operations: ['CREATE'], resources: ['pods/eviction'] },
    ]);
    const [deletion, eviction] = expressions('miyabi-experiment-chaos');
    expect(deletion).toContain(`oldObject.metadata.labels['agent-experiment/chaos-target'] == 'true'`);
    expect(eviction).toContain(`['miyabi-agent-', 'miyabi-coordinator-'].exists(`);
  });

  test('lets the autoscaler change nothing of a pod but its deletion cost', async () => {
    await declared();
    const [annotations, rest] = expressions('miyabi-experiment-autoscaler');
    expect(annotations).toContain(`key == 'controller.kubernetes.io/pod-deletion-cost'`);
    expect(rest).toContain('object.spec == oldObject.spec');
    const { variables } = named(POLICY, 'miyabi-experiment-autoscaler').inputs.spec;
    const used = `${annotations} ${rest}`.match(/variables\.\w+/g)!.map((text) => text.replace('variables.', ''));
    expect(new Set(used)).toEqual(new Set(variables.map(({ name }: { name: string }) => name)));
  });

  test('lets the weekly runner start the load from our image and nothing else, where there is a weekly run', async () => {
    await declared();
    expect(expressions('miyabi-experiment-experiment-runner').join('\n')).toContain(IMAGES.runtime);
    await declared(3);
    expect(resourcesOf(POLICY)).toHaveLength(2);
  });
});
