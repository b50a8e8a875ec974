import { readFileSync } from 'node:fs';
import type { Connection } from '../../infra/connection.js';
import type { RoleContext } from '../../infra/role-context.js';
import { loadExperiment } from '../../runtime/spec/read-yaml.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { resourcesOf, type Recorded } from './mocks.js';
import { IMAGES } from './store-setup.js';

const store = (name: string, port: number): Connection => ({
  env: { [`${name.toUpperCase()}_HOST`]: name },
  secretEnv: { [`${name.toUpperCase()}_PASSWORD`]: { secret: name, key: 'password' } },
  reaches: [{ podLabels: { 'app.kubernetes.io/name': name }, ports: [port] }],
});

/** What the pods of a phase's runtime are made from, with these options of the deployment besides. */
export function roleContext(phase: 1 | 2 | 3 = 3, options: object = {}, changes: object = {}): RoleContext {
  const file = `Pulumi.phase${phase}.yaml`;
  const experiment = { ...loadExperiment(readFileSync(file, 'utf8'), file), ...changes };
  return {
    experiment,
    deployment: compileDeployment({ project: 'test-project', ...options }, experiment),
    images: IMAGES,
    connections: {
      redis: store('redis', 6379),
      postgres: store('postgres', 5432),
      influxdb: store('influxdb', 8086),
      elasticsearch: store('elasticsearch', 9200),
      archive: { env: { ARCHIVE_BUCKET: 'archive' }, secretEnv: {}, reaches: [] },
    },
    controlToken: { secret: 'control-token', key: 'token' },
  };
}

/** The object of that name among those of a type. */
export function named(type: string, name: string): Recorded {
  const found = resourcesOf(type).find(({ inputs }) => inputs.metadata.name === name);
  if (found !== undefined) return found;
  throw new Error(`no ${name} among: ${resourcesOf(type).map(({ inputs }) => inputs.metadata.name)}`);
}

/** What sets the containers of a pod apart from another's, and is asked of all of them. */
export function expectRestricted(template: Recorded['inputs']): void {
  const { spec } = template;
  expect(spec.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 10_001,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(spec.containers).not.toHaveLength(0);
  for (const { securityContext, resources, image } of spec.containers) {
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(Object.keys(resources.requests)).toEqual(['cpu', 'memory']);
    expect(Object.keys(resources.limits)).toEqual(['cpu', 'memory']);
    expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
  }
}
