import { ExperimentError } from '../../runtime/kernel/errors.js';
import { readSettings } from '../../stacks/settings.js';

const config = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`agent-experiment:${key}`, JSON.stringify(value)]));

function problemsOf(values: Record<string, string>, stack = 'phase3'): string[] {
  try {
    readSettings(values, stack);
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe('the config of a stack', () => {
  test('becomes an experiment and its deployment', () => {
    const settings = readSettings(
      config({ experiment: { phase: 3 }, deployment: { project: 'test-project' } }),
      'phase3',
    );
    expect(settings.experiment.phase).toBe(3);
    expect(settings.deployment.platform).toMatchObject({ kind: 'gke', project: 'test-project' });
  });

  test('tells the faults of all its keys in one message', () => {
    const values = config({
      experiment: { phase: 3, budget: { max: '-$5' }, fleet: { slot: 4 } },
      deployment: { platform: 'existing' },
      experimnt: {},
    });
    expect(problemsOf(values).sort()).toEqual(
      ['agent-experiment:experimnt', 'deployment.image', 'experiment.budget.max', 'experiment.fleet.slot'].sort(),
    );
  });

  test('without an experiment, or one that is no object, is refused', () => {
    expect(problemsOf(config({ deployment: { project: 'test-project' } }))).toEqual(['experiment']);
    expect(problemsOf({ 'agent-experiment:experiment': 'phase: 3', 'other:key': '1' })).toEqual([
      'experiment',
      'deployment.project',
    ]);
  });

  test('belongs to the stack of its phase', () => {
    const values = config({ experiment: { phase: 2 }, deployment: { project: 'test-project' } });
    expect(problemsOf(values, 'phase3')).toEqual(['experiment.phase']);
    expect(problemsOf(values, 'mine')).toEqual([]);
  });
});
