import fc from 'fast-check';

import { ExperimentError } from '../../runtime/kernel/errors.js';
import { parseReport, renderJson } from '../../runtime/report/render-json.js';
import { makeReport } from './fixture.js';
import { emptyRun, shortRun } from './odd-runs.js';

test('a report read back is the report written, to the last byte', () => {
  const text = renderJson(makeReport());
  expect(renderJson(parseReport(JSON.parse(text)))).toBe(text);
  expect(text.endsWith('}\n')).toBe(true);
});

test('the order in which keys were put in does not show', () => {
  const turned = JSON.parse(JSON.stringify(makeReport()), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  ) as ReturnType<typeof makeReport>;
  expect(renderJson(turned)).toBe(renderJson(makeReport()));
});

test('the fields of the document come first, in its order', () => {
  const report = JSON.parse(renderJson(makeReport())) as Record<string, Record<string, unknown>>;
  expect(Object.keys(report).slice(0, 6)).toEqual([
    'metadata',
    'summary',
    'performance',
    'agents',
    'incidents',
    'recommendations',
  ]);
  expect(Object.keys(report['metadata'] ?? {}).slice(0, 5)).toEqual([
    'experimentId',
    'phase',
    'startTime',
    'endTime',
    'duration',
  ]);
});

test('rounding keeps whole numbers, tells 0.9999996 from 1, and drops what means nothing', () => {
  const report = makeReport();
  const written = JSON.parse(
    renderJson({
      ...report,
      metadata: { ...report.metadata, startTime: 1_767_538_800_000.25 },
      availability: { ...report.availability, canaries: 123_456_789_012, share: 0.999_999_6 },
      cost: { ...report.cost, totalUsd: 0.1 + 0.2, perHourUsd: 5.123_456_789_1, budgetUsd: -0 },
    }),
  ) as ReturnType<typeof makeReport>;
  expect(written.metadata.startTime).toBe(1_767_538_800_000.25);
  expect(written.availability).toMatchObject({ canaries: 123_456_789_012, share: 0.999_999_6 });
  expect(written.cost).toMatchObject({ totalUsd: 0.3, perHourUsd: 5.123457 });
  expect(Object.is(written.cost.budgetUsd, 0)).toBe(true);
});

test('what was not measured is null on file and NaN in the program', () => {
  const report = makeReport({ availability: { canaries: 0, answered: 0, withinTarget: 0, share: NaN } });
  const text = renderJson(report);
  expect(text).toContain('"share": null');
  expect(parseReport(JSON.parse(text)).availability.share).toBeNaN();
});

test('a report of a run that never started, or hardly, can be read back', () => {
  for (const change of [emptyRun(), shortRun()]) {
    const text = renderJson(makeReport(change));
    expect(renderJson(parseReport(JSON.parse(text)))).toBe(text);
  }
});

test('additions of a newer version are kept', () => {
  const json = JSON.parse(renderJson(makeReport())) as Record<string, unknown>;
  const parsed = parseReport({ ...json, carbon: { grams: 12 } });
  expect(renderJson(parsed)).toContain('"grams": 12');
});

test('what is not a report is refused with every path that is wrong', () => {
  const json = JSON.parse(renderJson(makeReport())) as Record<string, unknown>;
  const refused = catchError(() =>
    parseReport({ ...json, verdict: 'MAYBE', metadata: { ...(json['metadata'] as object), phase: 'three' } }),
  );
  expect(refused).toMatchObject({ code: 'RECORD_UNREADABLE', exitCode: 2 });
  expect(refused.problems.map(({ path }) => path).sort()).toEqual(['metadata.phase', 'verdict']);
});

test('no JSON whatever makes parsing fail in any other way', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      expect(catchError(() => parseReport(json)).code).toBe('RECORD_UNREADABLE');
    }),
  );
});

test('series are written one column a line', () => {
  const lines = renderJson(makeReport()).split('\n');
  expect(lines.filter((line) => line.startsWith('    "offered": [500'))).toHaveLength(1);
  expect(lines.length).toBeLessThan(2_000);
});

function catchError(run: () => unknown): ExperimentError {
  try {
    run();
  } catch (error) {
    if (error instanceof ExperimentError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
