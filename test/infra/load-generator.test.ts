import { LoadGenerator } from '../../infra/load-generator.js';
import { recordResources, resourceOf, resourcesOf, settled } from './mocks.js';
import { expectRestricted, roleContext } from './runtime-context.js';

const JOB = 'kubernetes:batch/v1:Job';

async function declared(options: object = {}) {
  recordResources();
  const context = roleContext(3, options);
  new LoadGenerator('load-generator', context);
  await settled();
  return { context, template: resourceOf('kubernetes:batch/v1:CronJob').inputs };
}

describe('the load generator', () => {
  test('is a suspended template: deploying starts no load', async () => {
    const { template } = await declared();
    expect(template.metadata.name).toBe('load-generator-template');
    expect(template.spec.suspend).toBe(true);
    expect(resourcesOf(JOB)).toHaveLength(0);
  });

  test('runs restricted, goes on after a crash, and ends with the deadline at the latest', async () => {
    const { template, context } = await declared();
    const { spec } = template.spec.jobTemplate;
    expectRestricted(spec.template);
    expect(spec.template.spec.restartPolicy).toBe('OnFailure');
    expect(spec.template.spec.containers[0]).toMatchObject({
      name: 'load-generator',
      args: ['role', 'load-generator'],
    });
    expect(spec.activeDeadlineSeconds * 1_000).toBe(context.experiment.durationMs + context.deployment.deadlineGraceMs);
  });

  test('starts by itself where that is wanted, without anybody waiting for its end', async () => {
    const { template } = await declared({ autoStart: true });
    const { inputs, opts } = resourceOf(JOB);
    expect(inputs.metadata.name).toBe('load-generator');
    expect(inputs.metadata.annotations['pulumi.com/skipAwait']).toBe('true');
    expect(inputs.spec).toEqual(template.spec.jobTemplate.spec);
    expect(opts.ignoreChanges).toEqual(['spec']);
  });
});
