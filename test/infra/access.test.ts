import { Access } from '../../infra/access.js';
import { recordResources, resourceOf, resourcesOf, settled } from './mocks.js';
import { roleContext } from './runtime-context.js';

interface Rule {
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

/** `delete jobs/load-generator` */
function lines(rules: readonly Rule[]): string[] {
  return rules
    .flatMap(({ resources, verbs, resourceNames = ['*'] }) =>
      resources.flatMap((resource) =>
        resourceNames.map((name) => `${verbs.join(',')} ${resource}${name === '*' ? '' : ` ${name}`}`),
      ),
    )
    .sort();
}

async function rights(phase: 1 | 3, options: object = {}): Promise<Record<string, string[]>> {
  recordResources();
  new Access('access', roleContext(phase, options));
  await settled();
  return Object.fromEntries(
    resourcesOf('kubernetes:rbac.authorization.k8s.io/v1:Role').map(({ inputs }) => [
      inputs.metadata.name,
      lines(inputs.rules),
    ]),
  );
}

/** Everything each service account may do, and nothing more. */
const RIGHTS = {
  coordinator: [
    'create configmaps',
    'create leases',
    'get,update,patch leases experiment-run',
    'get,update,patch leases miyabi-coordinator',
    'get,update,patch,delete configmaps experiment-halt',
  ],
  autoscaler: [
    'create configmaps',
    'get,list,watch,patch pods',
    'get,patch deployments/scale miyabi-agent',
    'get,update,patch configmaps experiment-halt',
  ],
  chaos: [
    'create pods/eviction',
    'get configmaps experiment-halt',
    'get leases miyabi-coordinator',
    'get,list,watch,delete pods',
  ],
  monitor: [
    'get configmaps experiment-deadline',
    'get configmaps experiment-halt',
    'get,list pods',
    'get,list,watch cronjobs',
    'get,list,watch deployments',
    'get,list,watch events',
    'get,list,watch jobs',
    'get,list,watch leases',
    'get,list,watch pods',
    'get,list,watch statefulsets',
  ],
  'load-generator': ['get configmaps experiment-halt'],
  'experiment-runner': [
    'create jobs',
    'create leases',
    'get configmaps experiment-halt',
    'get cronjobs load-generator-template',
    'get,delete jobs load-generator',
    'get,patch configmaps experiment-deadline',
    'get,update,patch leases experiment-run',
  ],
  deadline: [
    'get configmaps experiment-deadline',
    'get,delete jobs load-generator',
    'get,patch deployments/scale miyabi-agent',
  ],
};

describe('access', () => {
  test.each(Object.entries(RIGHTS))('of %s is what it needs and nothing more', async (role, expected) => {
    expect((await rights(1))[role]).toEqual([...expected].sort());
  });

  test('is nobody else’s: agents and archiver have an identity and no rights', async () => {
    expect(Object.keys(await rights(1)).sort()).toEqual(Object.keys(RIGHTS).sort());
    const accounts = resourcesOf('kubernetes:core/v1:ServiceAccount').map(({ inputs }) => inputs);
    expect(accounts.map(({ metadata }) => metadata.name).sort()).toEqual(
      [...Object.keys(RIGHTS), 'agent', 'archiver'].sort(),
    );
    expect(accounts.every(({ automountServiceAccountToken }) => automountServiceAccountToken === false)).toBe(true);
  });

  test('is bound one to one, within the namespace', async () => {
    await rights(1);
    for (const { inputs } of resourcesOf('kubernetes:rbac.authorization.k8s.io/v1:RoleBinding')) {
      const { name, namespace } = inputs.metadata;
      expect(inputs.roleRef).toMatchObject({ kind: 'Role', name });
      expect(inputs.subjects).toEqual([{ kind: 'ServiceAccount', name, namespace }]);
    }
  });

  test('beyond the namespace is reading nodes, for autoscaler and monitor alone', async () => {
    await rights(1);
    const { rules } = resourceOf('kubernetes:rbac.authorization.k8s.io/v1:ClusterRole').inputs;
    expect(lines(rules)).toEqual(['get,list,watch nodes']);
    const { subjects } = resourceOf('kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding').inputs;
    expect(subjects.map(({ name }: { name: string }) => name)).toEqual(['autoscaler', 'monitor']);
  });

  test('is not given to who is not there: no runner without a schedule, no archiver without an archive', async () => {
    await rights(3, { archive: null });
    const names = resourcesOf('kubernetes:core/v1:ServiceAccount').map(({ inputs }) => inputs.metadata.name);
    expect(names).not.toContain('experiment-runner');
    expect(names).not.toContain('archiver');
  });
});
