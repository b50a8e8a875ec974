import { renderSummary } from '../../runtime/report/summary.js';
import { displayWidth } from '../../runtime/report/text/columns.js';
import { makeReport } from './fixture.js';
import { emptyRun } from './odd-runs.js';

test.each(['en', 'ja'] as const)(
  'no line of the summary (%s) is wider than 100 columns, however long its texts',
  (language) => {
    const long = 'x'.repeat(60);
    const report = makeReport();
    const texts = [
      renderSummary(report, { color: false, language }),
      renderSummary(
        makeReport({
          verdict: 'INVALID',
          invalid: [`${long} ${long} ${long}`],
          criteria: report.criteria.map((criterion) => ({ ...criterion, target: long, actual: long, verdict: 'FAIL' })),
        }),
        { color: false, language },
      ),
    ];
    for (const line of texts.join('').split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(100);
  },
);

test('every criterion is there with target, result, sign and whether it is mandatory', () => {
  const report = makeReport();
  const [first, second, ...others] = report.criteria;
  if (first === undefined || second === undefined) throw new Error('the fixture has changed');
  const text = renderSummary(
    makeReport({ verdict: 'FAIL', criteria: [first, { ...second, actual: '488.1/min', verdict: 'FAIL' }, ...others] }),
    { color: false },
  );
  expect(text).toContain('✗ FAIL');
  expect(text).toContain('Not met: Throughput.');
  expect(text).toMatch(/✗ {2}Throughput +≥ 500\/min +488\.1\/min +yes/);
  expect(text).toMatch(/✓ {2}P99 latency +≤ 5 s +1\.24 s +yes/);
  expect(text).toMatch(/– {2}Linear scaling +≥ 0\.95 +– +no/);
  expect(text).toMatch(/Lost \/ counted twice +0 \/ 0 \(ledger balances\)/);
});

test('colours are added only when asked for and change nothing else', () => {
  const plain = renderSummary(makeReport(), { color: false });
  const colored = renderSummary(makeReport(), { color: true });
  expect(plain).not.toContain('\u001b');
  expect(colored.replace(/\p{Cc}\[[\d;]*m/gu, (code) => (code === '\n' ? code : ''))).toBe(plain);
  expect(colored).not.toBe(plain);
});

test('text from a run cannot steer the terminal', () => {
  const report = makeReport();
  const text = renderSummary(makeReport({ metadata: { ...report.metadata, title: '\u001b[2Jgone\r\nnext' } }), {
    color: false,
  });
  expect(text.match(/[^\P{Cc}\n]/gu)).toBeNull();
  expect(text).toContain('gone next');
});

test('a run that never started is summed up without numbers that are none', () => {
  expect(renderSummary(makeReport(emptyRun()), { color: false })).not.toMatch(/NaN|Infinity|undefined/);
});
