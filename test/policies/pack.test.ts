import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RULES } from '../../policies/rules.js';
import { container, phase, PROJECT, resource, specMap, UNKNOWN_OBJECT, violations, workload } from './stage.js';

const experiment = phase(3);
const GOOD = [
  specMap({ ...experiment, budget: { ...experiment.budget, maxUsd: 5_000 } }),
  workload('miyabi-coordinator', { replicas: 3, pod: { nodeSelector: { role: 'coordinator' } } }),
  resource('kubernetes:batch/v1:CronJob', {
    metadata: { name: 'experiment-deadline' },
    spec: { schedule: '*/5 * * * *', jobTemplate: UNKNOWN_OBJECT },
  }),
];

describe('The pack', () => {
  it('has fourteen rules, each with a name and a description of its own', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(14);
    expect(RULES.every(({ name, description }) => /^[a-z-]+$/.test(name) && description.endsWith('.'))).toBe(true);
  });

  it('says nothing of a sound stack', async () => {
    const said = await Promise.all(RULES.map((rule) => violations(rule, GOOD)));
    expect(said.flat()).toEqual([]);
  });

  it('finds each fault by one rule', async () => {
    const bad = [
      specMap({ ...experiment, budget: { ...experiment.budget, maxUsd: 10 } }),
      workload('a', { containers: [container({ image: 'a:1' })] }),
    ];
    const found: string[] = [];
    for (const rule of RULES) if ((await violations(rule, bad)).length > 0) found.push(rule.name);
    expect(found).toEqual(['run-cost', 'deadline-present', 'images-by-digest']);
  });

  it.each(RULES.map((rule) => [rule.name, rule] as const))(
    '%s passes over resources nothing is known of',
    async (_, rule) => {
      const types = [
        'kubernetes:core/v1:ConfigMap',
        'kubernetes:core/v1:Secret',
        'kubernetes:apps/v1:Deployment',
        'kubernetes:apps/v1:StatefulSet',
        'kubernetes:batch/v1:CronJob',
        'kubernetes:postgresql.cnpg.io/v1:Cluster',
        'gcp:container/nodePool:NodePool',
      ];
      const all = ['metadata', 'spec', 'data', 'stringData', 'nodeConfig', 'autoscaling', 'name', 'nodeLocations'];
      const props = Object.fromEntries(all.map((key) => [key, UNKNOWN_OBJECT]));
      expect(
        await violations(
          rule,
          types.map((type) => resource(type, props)),
        ),
      ).toEqual([]);
    },
  );

  it('is served by Pulumi’s own loader, as pulumi preview starts it', async () => {
    const loader = join(PROJECT, 'node_modules/@pulumi/pulumi/cmd/run-policy-pack/index.js');
    const child = spawn(process.execPath, [loader, '127.0.0.1:1', '.'], { cwd: join(PROJECT, 'policies') });
    const said: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
      child.on('exit', (code) => reject(new Error(`ended with ${code}: ${said.join('')}`)));
    }).finally(() => child.kill());
    expect(Number(port)).toBeGreaterThan(1_024);
  });

  it('names the versions of its packages as the project does', () => {
    const read = (folder: string) =>
      JSON.parse(readFileSync(join(PROJECT, folder, 'package.json'), 'utf8')) as {
        dependencies: Record<string, string>;
      };
    expect(read('.').dependencies).toMatchObject(read('policies').dependencies);
  });
});
