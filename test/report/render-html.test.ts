import { performance } from 'node:perf_hooks';

import type { ExperimentReport } from '../../runtime/report/model.js';
import { renderHtml } from '../../runtime/report/render-html.js';
import { makeReport } from './fixture.js';
import { emptyRun, shortRun } from './odd-runs.js';

const EVIL = `"><img src=x onerror=alert(1)><script>alert('x')</script>&amp;`;

let english: string;
let japanese: string;

beforeAll(() => {
  english = renderHtml(makeReport(), 'en');
  japanese = renderHtml(makeReport(), 'ja');
});

test('a report of 72 h with 2,160 intervals is under 2 MB and there within 5 s', () => {
  const before = performance.now();
  const page = renderHtml(makeReport(), 'en');
  expect(performance.now() - before).toBeLessThan(5_000);
  expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
});

test('the page loads nothing: no address, no script, no link out, no import', () => {
  for (const page of [english, japanese]) {
    expect(page.match(/https?:\/\//)).toBeNull();
    expect(page.match(/<script|<link|<iframe|<img|@import|url\((?!#)|\son\w+=/i)).toBeNull();
    expect([...page.matchAll(/\s(?:href|src)="([^"]*)"/g)].every(([, target]) => target?.startsWith('#'))).toBe(true);
    expect(page).toContain("default-src 'none'");
  }
});

test('every chart has a title, a description and ids of its own', () => {
  const charts = [
    ...english.matchAll(
      /<svg class="(wide|narrow)"[^>]*role="img" aria-labelledby="([^"]+)" aria-describedby="([^"]+)"[^>]*>(.{0,600})/gs,
    ),
  ];
  expect(charts).toHaveLength(24);
  for (const [, , title, description, body] of charts) {
    expect(body).toMatch(new RegExp(`<title id="${title}">[^<]+</title><desc id="${description}">[^<]+</desc>`));
  }
  const ids = [...english.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every reference inside the page has something to point to', () => {
  const ids = new Set([...english.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
  const references = [...english.matchAll(/(?:href="#|url\(#|aria-labelledby="|aria-describedby=")([^")]+)/g)];
  expect(references.length).toBeGreaterThan(40);
  expect(references.map(([, id]) => id).filter((id) => !ids.has(id))).toEqual([]);
});

test('charts take their colours from variables that both schemes set', () => {
  const used = new Set([...english.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name));
  const [light, dark] = [
    /:root\{color-scheme:light dark;([^}]*)\}/,
    /prefers-color-scheme:dark\)\{:root\{([^}]*)\}/,
  ].map((rule) => rule.exec(english)?.[1] ?? '');
  for (const name of used) {
    expect(light).toContain(`${name}:`);
    expect(dark).toContain(`${name}:`);
  }
  const drawings = [...english.matchAll(/<svg class="(?:wide|narrow)".*?<\/svg>/gs)].join('');
  expect(drawings).toMatch(/var\(--c-blue\)/);
  expect(drawings.match(/(?:fill|stroke)="(?:#[0-9a-f]{3,8}|rgb)/g)).toBeNull();
});

test('the verdict is a word and a sign, not only a colour', () => {
  const verdictOf = (verdict: ExperimentReport['verdict']): string | undefined =>
    /<div class="verdict .*?<\/strong>/s.exec(renderHtml(makeReport({ verdict, invalid: ['x'] }), 'en'))?.[0];
  expect(verdictOf('PASS')).toMatch(/✓.*PASS/s);
  expect(verdictOf('FAIL')).toMatch(/✗.*FAIL/s);
  expect(verdictOf('INVALID')).toMatch(/⚠.*INVALID/s);
});

test('text from a run stays text wherever it is shown', () => {
  const report = makeReport();
  const [fault, scaling, alert, state, monitor, sink] = [
    report.faults[0],
    report.scalings[0],
    report.alerts[0],
    report.states[0],
    report.monitors[0],
    report.provenance.sinks[0],
  ];
  if (!fault || !scaling || !alert || !state || !monitor || !sink) throw new Error('the fixture has changed');
  const page = renderHtml(
    makeReport({
      metadata: {
        ...report.metadata,
        title: EVIL,
        experimentId: EVIL,
        scenario: EVIL,
        cutShort: true,
        cutShortReason: EVIL,
      },
      verdict: 'INVALID',
      invalid: [EVIL],
      criteria: report.criteria.map((criterion) => ({
        ...criterion,
        name: EVIL,
        target: EVIL,
        actual: EVIL,
        basis: EVIL,
      })),
      incidents: report.incidents.map((incident) => ({ ...incident, type: EVIL, description: EVIL, resolution: EVIL })),
      findings: { wentWell: [EVIL], wentWrong: [EVIL], change: [EVIL] },
      recommendations: [EVIL],
      faults: [{ ...fault, id: EVIL, type: EVIL, subjects: [EVIL], detail: EVIL }],
      scalings: [{ ...scaling, decision: { ...scaling.decision, mode: EVIL, reason: EVIL } }],
      alerts: [{ ...alert, name: EVIL, severity: EVIL, actions: [EVIL] }],
      states: [{ ...state, from: EVIL, to: EVIL, reason: EVIL }],
      monitors: [{ ...monitor, monitor: EVIL, finding: EVIL, unit: EVIL }],
      segments: report.segments.map((segment) => ({ ...segment, label: EVIL })),
      summary: { ...report.summary, byType: { [EVIL]: { completed: 1, failed: 0, meanServiceTime: 1 } } },
      series: { ...report.series, agentsByZone: { [EVIL]: report.series.agentsActive } },
      provenance: {
        ...report.provenance,
        version: EVIL,
        commit: EVIL,
        imageDigest: EVIL,
        specHash: EVIL,
        sinks: [{ ...sink, name: EVIL, note: EVIL }],
      },
      cost: { ...report.cost, parts: [{ part: EVIL, usd: 1, basis: EVIL }] },
      forecast: { chosen: EVIL, candidates: [{ model: EVIL, error: 1 }], coverage: 1, feedForwardError: 1 },
    }),
    'en',
  );
  expect(page.match(/<img|<script|\sonerror=alert\(1\)>/g)).toBeNull();
  expect(page.split('&lt;img src=x onerror=alert(1)&gt;').length).toBeGreaterThan(30);
});

test('the Japanese page is marked as such and carries the headings of the document', () => {
  expect(japanese).toContain('<html lang="ja">');
  for (const heading of [
    '実験概要',
    '結果サマリー',
    'パフォーマンス推移',
    'インシデント',
    '考察',
    '成功点',
    '課題',
    '改善案',
    '次フェーズへの推奨事項',
  ]) {
    expect(japanese).toMatch(new RegExp(`<h[23][^>]*>${heading}</h[23]>`));
  }
});

test('long lists are folded after their first rows and say how many follow', () => {
  const faults = /<section id="faults".*?<\/section>/s.exec(english)?.[0] ?? '';
  expect(faults).toContain('<summary>271 more</summary>');
  expect(faults.match(/<small>f\d+<\/small>/g)).toHaveLength(291);
});

test('the ledger writes its identity out', () => {
  expect(english).toContain('2,304,120 submitted = 2,303,816 completed + 304 failed + 0 shed + 0 queued + 0 leased');
});

test('the same report gives the same page, whatever was drawn before', () => {
  expect(renderHtml(makeReport(), 'en')).toBe(english);
});

test('linearity is drawn where it was measured, with the fitted law', () => {
  const points = [50, 100, 150, 200].map((agents) => ({ agents, throughput: agents * 6, perAgent: 6 }));
  const page = renderHtml(
    makeReport({ linearity: { ratio: 0.97, points, usl: { lambda: 6.1, sigma: 0.0003, kappa: 0 } } }),
    'en',
  );
  expect(page).toContain('id="chart-linearity"');
  expect(page).toContain('σ = 0.0003');
  expect(english).not.toContain('id="chart-linearity"');
});

test.each<[string, Partial<ExperimentReport>]>([
  ['that never started', emptyRun()],
  ['of two minutes with gaps', shortRun()],
])('a run %s still gives a whole page without numbers that are none', (_, change) => {
  for (const language of ['en', 'ja'] as const) {
    const page = renderHtml(makeReport(change), language);
    expect(page.endsWith('</html>\n')).toBe(true);
    expect(page.match(/.{0,80}(?:NaN|Infinity|undefined|\[object)/g)).toBeNull();
  }
});
