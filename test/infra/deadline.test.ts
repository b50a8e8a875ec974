import { Deadline } from '../../infra/deadline.js';
import { recordResources, resourceOf, settled } from './mocks.js';
import { expectRestricted, roleContext } from './runtime-context.js';

async function declared() {
  recordResources();
  const context = roleContext();
  new Deadline('deadline', context);
  await settled();
  return { context, kept: resourceOf('kubernetes:core/v1:ConfigMap'), job: resourceOf('kubernetes:batch/v1:CronJob') };
}

describe('the deadline', () => {
  test('is looked at every ten minutes by a job that cannot pile up', async () => {
    const { inputs } = (await declared()).job;
    expect(inputs.metadata.name).toBe('experiment-deadline');
    expect(inputs.spec).toMatchObject({ schedule: '*/10 * * * *', concurrencyPolicy: 'Forbid' });
    expect(inputs.spec.jobTemplate.spec.activeDeadlineSeconds).toBeLessThan(600);
    expectRestricted(inputs.spec.jobTemplate.spec.template);
    expect(inputs.spec.jobTemplate.spec.template.spec.containers[0].args).toEqual(['role', 'deadline']);
  });

  test('is kept with its grace, holds before anything was started, and is moved by the runtime alone', async () => {
    const { kept, context } = await declared();
    expect(kept.inputs.metadata.name).toBe('experiment-deadline');
    expect(kept.inputs.data).toEqual({
      graceMs: String(context.deployment.deadlineGraceMs),
      runMs: String(context.experiment.durationMs),
    });
    expect(kept.opts.ignoreChanges).toEqual(['data.endsAt']);
  });
});
