import { sizingOf } from '../../runtime/cost/deployment-sizing.js';
import { HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { sizingSchema } from '../../runtime/cost/sizing-schema.js';
import { compileDeployment } from '../../runtime/spec/deployment/compile.js';
import { experiment } from '../support/experiment.js';
import { rehearse, runUntil } from './rehearse.js';

const spec = experiment({ durationMs: 10 * MINUTE, ratePerMin: 300 });
const sizing = sizingOf(
  compileDeployment({ project: 'some-project', stores: { postgres: { instances: 1, storage: '10Gi' } } }, spec),
);

describe('what a run is priced on', () => {
  it('is what it was begun with, also after it was taken up from its snapshot', async () => {
    const whole = await rehearse(spec, { sizing });
    const byDefault = await rehearse(spec);
    expect(whole.report.cost.totalUsd).toBeLessThan(byDefault.report.cost.totalUsd);
    const snapshot = await runUntil(
      spec,
      (run, clock, left) => {
        clock.after(4 * MINUTE, () => {
          left(run.snapshot('test'));
        });
      },
      { sizing },
    );
    expect(sizingSchema.parse(snapshot.sizing)).toEqual(sizing);
    const { report, samples } = await rehearse(spec, { resume: snapshot });
    const { totalUsd, parts, agentTime } = report.cost;
    expect(parts.map(({ part, basis }) => [part, basis.includes('1 × 10 GiB')])).toEqual(
      whole.report.cost.parts.map(({ part }) => [part, part === 'Postgres disks']),
    );
    expect(totalUsd).toBeCloseTo(whole.report.cost.totalUsd, 3);
    expect(samples.at(-1)?.cost).toBe(totalUsd);
    const hours = (agentTime ?? []).reduce((sum, { ms }) => sum + ms, 0) / HOUR;
    expect(report.cost.perHourUsd).toBeCloseTo(totalUsd / hours, 6);
  });
});
