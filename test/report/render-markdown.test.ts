import { renderMarkdown } from '../../runtime/report/render-markdown.js';
import { makeReport } from './fixture.js';
import { emptyRun, shortRun } from './odd-runs.js';

const headings = (text: string): string[] => text.split('\n').filter((line) => /^#{1,3} /.test(line));

test('the Japanese report follows template 12.1, heading by heading', () => {
  const template = [
    '# 200-Agent Experiment Report - Phase 3',
    '## 実験概要',
    '## 結果サマリー',
    '## パフォーマンス推移',
    '### スループット推移 (タスク/分)',
    '### レイテンシ分布',
    '### エラー率推移',
    '## インシデント',
    '## 考察',
    '### 成功点',
    '### 課題',
    '### 改善案',
    '## 次フェーズへの推奨事項',
  ];
  const found = headings(renderMarkdown(makeReport(), 'ja'));
  expect(found.filter((heading) => template.includes(heading))).toEqual(template);
});

test('the overview and the table of five are those of the template', () => {
  const text = renderMarkdown(makeReport(), 'ja');
  expect(text).toContain(
    [
      '## 実験概要',
      '- 実施日時: 2026-01-05 00:00 - 2026-01-08 00:00 JST (UTC+09:00)',
      '- 実験時間: 72時間',
      '- Agent数: 200',
      '- 投入タスク総数: 2,304,120',
    ].join('\n'),
  );
  expect(text).toContain(
    [
      '| 指標 | 目標 | 実績 | 判定 |',
      '|------|------|------|------|',
      '| スループット | ≥ 500/min | 533.4/min | ✓ |',
      '| P99レイテンシ | ≤ 5 s | 1.24 s | ✓ |',
      '| 可用性 | ≥ 99.9 % | 99.993 % | ✓ |',
      '| エラー率 | ≤ 0.1 % | 0.013 % | ✓ |',
      '| 障害復旧 | ≤ 30 s | 11.9 s | ✓ |',
      '',
    ].join('\n'),
  );
  expect(text).toContain('| 時刻 | 内容 | 影響 | 対応 |');
});

test('verdict, all criteria, ledger, faults, cost and provenance are there in both languages', () => {
  const english = renderMarkdown(makeReport(), 'en');
  expect(english).toContain('> **✓ PASS** – Every mandatory criterion is met.');
  for (const heading of ['### All criteria', '## Ledger', '## Faults and recovery', '## Cost', '## Provenance']) {
    expect(english).toContain(heading);
  }
  expect(english).toContain('Stretch (P99)');
  expect(english).toContain('`b5c1f6d2e8a94f0c7a11`');
  expect(headings(renderMarkdown(makeReport(), 'ja'))).toHaveLength(headings(english).length);
});

test('every row of a table has as many cells as its head', () => {
  const report = makeReport();
  const [incident] = report.incidents;
  if (incident === undefined) throw new Error('the fixture has changed');
  const text = renderMarkdown(
    makeReport({ incidents: [{ ...incident, description: 'a | b\nc', resolution: '`|`' }] }),
    'en',
  );
  const cells = (line: string): number => line.replaceAll('\\|', '').split('|').length;
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    if (line.startsWith('|') && lines[index - 1]?.startsWith('|') === true)
      expect(cells(line)).toBe(cells(lines[index - 1] ?? ''));
  });
  expect(text).toContain('a \\| b c');
});

test('the faults written out are the slowest ones, in order of time, and the rest is counted', () => {
  const report = makeReport();
  const faults = report.faults.map((fault, index) => ({
    ...fault,
    serviceRecoveryMs: index === 250 ? null : 100 + index,
  }));
  const text = renderMarkdown(makeReport({ faults }), 'en');
  const rows = /## Faults and recovery[^]*?\n\n\| Time[^]*?\n\n/.exec(text)?.[0] ?? '';
  expect(rows).toContain('not recovered');
  expect(rows).toContain('390 ms');
  expect(rows).not.toContain('| 101 ms');
  expect(text).toContain('… 271 more');
});

test('an invalid run says why, and a short one that it was cut short', () => {
  const report = makeReport();
  const text = renderMarkdown(
    makeReport({
      verdict: 'INVALID',
      invalid: ['the run was aborted'],
      metadata: { ...report.metadata, duration: 3_600_000, cutShort: true, cutShortReason: 'killed' },
    }),
    'en',
  );
  expect(text).toContain('⚠ INVALID');
  expect(text).toContain('- ⚠ the run was aborted');
  expect(text).toContain('> The run was cut short: killed.');
  expect(text).toContain('- Duration: 1 h of 72 h planned');
});

test('what was not measured is a dash, in a run that never started as in one of two minutes', () => {
  for (const change of [emptyRun(), shortRun()]) {
    for (const language of ['en', 'ja'] as const) {
      expect(renderMarkdown(makeReport(change), language)).not.toMatch(/NaN|Infinity|undefined|\[object/);
    }
  }
});
