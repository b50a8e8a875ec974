import { ExperimentError, type Problem } from '../../runtime/kernel/errors.js';
import { readSettings } from '../../stacks/settings.js';

const config = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`agent-experiment:${key}`, JSON.stringify(value)]));

function faultsOf(values: Record<string, string>, stack = 'phase3'): readonly Problem[] {
  try {
    readSettings(values, stack);
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems;
    throw error;
  }
  return [];
}

const problemsOf = (values: Record<string, string>, stack = 'phase3'): string[] =>
  faultsOf(values, stack).map(({ path }) => path);

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

describe('bad input', () => {
  const experiment = { phase: 3 };
  const deployment = { project: 'test-project' };
  const existing = { platform: 'existing', image: { repository: 'registry.example/image' } };

  test.each([
    ['a missing project', { experiment }, 'deployment.project', undefined, /is missing/, /pulumi config set/],
    [
      'an empty region',
      { experiment: { phase: 3, region: null }, deployment },
      'experiment.region',
      'nothing',
      /empty/,
      /write a value/,
    ],
    [
      'an unknown region',
      { experiment: { phase: 3, region: 'mars' }, deployment },
      'deployment.zones',
      undefined,
      /region mars/,
      /us-central1/,
    ],
    ['an unknown phase', { experiment: { phase: 4 }, deployment }, 'experiment.phase', '4', /at most 3/, undefined],
    [
      'a budget below zero',
      { experiment: { phase: 3, budget: { max: '-$5' } }, deployment },
      'experiment.budget.max',
      '"-$5"',
      /must be/,
      undefined,
    ],
    [
      'a machine type without price, for agents',
      { experiment: { phase: 3, fleet: { machineType: 'n2-standard-5' } }, deployment },
      'experiment.fleet.machineType',
      '"n2-standard-5"',
      /must be one of n2-standard-4/,
      /did you mean n2-standard-4/,
    ],
    [
      'a machine type without price, for others',
      { experiment, deployment: { ...deployment, pools: { monitoring: { machineType: 'cray' } } } },
      'deployment.pools.monitoring.machineType',
      'cray',
      /no price; allowed here: n2-standard-4/,
      /take one/,
    ],
    [
      'a misspelt key',
      { experiment: { phase: 3, flet: {} }, deployment },
      'experiment.flet',
      '{}',
      /unknown key; allowed here: .*fleet/,
      /did you mean "fleet"/,
    ],
    [
      'an experiment that is no block',
      { experiment: 'phase 3', deployment },
      'experiment',
      '"phase 3"',
      /block of keys/,
      undefined,
    ],
    [
      'an empty kubeconfig',
      { experiment, deployment: { ...existing, kubeconfig: '' } },
      'deployment.kubeconfig',
      '""',
      /not be empty/,
      undefined,
    ],
    [
      'no image on an existing cluster',
      { experiment, deployment: { platform: 'existing' } },
      'deployment.image',
      undefined,
      /neither/,
      /image.reference/,
    ],
    [
      'half a pair of keys',
      { experiment, deployment, archiveCredentials: { accessKeyId: 'AKIA' } },
      'agent-experiment:archiveCredentials',
      undefined,
      /secretAccessKey/,
      /pulumi config set --secret/,
    ],
  ])(
    'such as %s is told with its place, its value, what is allowed and what to do',
    (_, values, path, value, message, hint) => {
      const [fault, ...others] = faultsOf(config(values));
      expect(others).toEqual([]);
      expect(fault).toMatchObject({ path, message: expect.stringMatching(message) });
      expect(fault?.value).toBe(value);
      if (hint !== undefined) expect(fault?.hint).toMatch(hint);
    },
  );

  test('is told at once, in a message for people', () => {
    const values = config({
      experiment: { phase: 4, region: 'mars', budget: { max: '-$5' }, fleet: { machineType: 'cray', slot: 4 } },
      deployment: { pools: { coordinator: { machineType: 'n2-standard-9' } } },
      archiveCredentials: 'none',
    });
    expect(() => readSettings(values, 'phase3')).toThrow(
      /^Pulumi\.phase3\.yaml: 8 problems; nothing was touched\n {2}- /,
    );
    expect(problemsOf(values).sort()).toEqual([
      'agent-experiment:archiveCredentials',
      'deployment.pools.coordinator.machineType',
      'deployment.project',
      'deployment.zones',
      'experiment.budget.max',
      'experiment.fleet.machineType',
      'experiment.fleet.slot',
      'experiment.phase',
    ]);
  });

  test('in the experiment makes no fault of the deployment', () => {
    const schedule = { cron: '0 0 * * 1', timeZone: 'Asia/Tokyo', duration: '2h' };
    const values = config({ experiment: { budget: { max: '-$5' } }, deployment: { ...deployment, schedule } });
    expect(problemsOf(values, 'phase1')).toEqual(['experiment.budget.max']);
    const broken = {
      'agent-experiment:experiment': 'phase: 3',
      ...config({ deployment: { ...deployment, schedule } }),
    };
    expect(problemsOf(broken, 'phase1')).toEqual(['experiment']);
    expect(problemsOf(broken, 'phase2')).toEqual(['experiment', 'deployment.schedule']);
  });

  test('may be a deployment that is no JSON: told once', () => {
    const values = { ...config({ experiment }), 'agent-experiment:deployment': 'project = x' };
    expect(problemsOf(values)).toEqual(['deployment']);
  });

  test('does not show what is secret', () => {
    const values = { ...config({ experiment, deployment }), 'agent-experiment:archiveCredentials': 'hunter2' };
    expect(JSON.stringify(faultsOf(values))).not.toContain('hunter2');
  });
});
