import { renderHtml } from '../../runtime/report/render-html.js';
import { parseReport, renderJson } from '../../runtime/report/render-json.js';
import { renderMarkdown } from '../../runtime/report/render-markdown.js';
import { makeReport } from './fixture.js';

const { provenance } = makeReport();
const queue = { kind: 'redis' as const, redisVersion: '7.0.15', partitions: 3, degradedSeconds: 0, processes: true };
const known = makeReport({ provenance: { ...provenance, queue: { ...queue, clockBoundMs: 1.23 } } });
const unknown = makeReport({ provenance: { ...provenance, queue } });

test('how well the processes’ clocks were known stands beside the queue in every form of the report', () => {
  expect(renderMarkdown(known, 'en')).toContain('clocks of all processes known to within 1.3 ms; agents');
  expect(renderHtml(known, 'en')).toContain('known to within 1.3 ms');
  expect(renderMarkdown(known, 'ja')).toContain('時計の誤差 1.3 ms 以内');
  expect(renderMarkdown(unknown, 'en')).not.toContain('clocks of all processes');
  expect(parseReport(JSON.parse(renderJson(known))).provenance.queue?.clockBoundMs).toBe(1.23);
});
