import { WeeklyRun } from '../../infra/schedule.js';
import { recordResources, resourceOf, settled } from './mocks.js';
import { expectRestricted, roleContext } from './runtime-context.js';

async function declared(options: object = {}) {
  recordResources();
  const context = roleContext(1, options);
  const { schedule } = context.deployment;
  if (schedule === null) throw new Error('phase 1 has no schedule');
  new WeeklyRun('schedule', { schedule, context });
  await settled();
  return resourceOf('kubernetes:batch/v1:CronJob').inputs;
}

describe('the weekly run', () => {
  test('is the document’s cron job, never two at once', async () => {
    const { metadata, spec } = await declared();
    expect(metadata.name).toBe('experiment-phase1');
    expect(spec).toMatchObject({ schedule: '0 0 * * 1', timeZone: 'Asia/Tokyo', concurrencyPolicy: 'Forbid' });
  });

  test('runs the document’s container with its arguments, restricted', async () => {
    const { template } = (await declared()).spec.jobTemplate.spec;
    expectRestricted(template);
    const [{ name, args }] = template.spec.containers;
    expect(name).toBe('experiment-runner');
    expect(args).toEqual(['role', 'experiment-runner', '--phase=1', '--duration=24h', '--report=true']);
    expect(template.spec.restartPolicy).toBe('OnFailure');
  });

  test('says its duration as the CLI reads it', async () => {
    const { template } = (await declared({ schedule: { duration: '90min' } })).spec.jobTemplate.spec;
    expect(template.spec.containers[0].args).toContain('--duration=90min');
  });
});
