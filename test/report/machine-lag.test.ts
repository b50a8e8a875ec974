import { reasonsInWords, speakerFor } from '../../runtime/report/findings-speaker.js';
import { renderHtml } from '../../runtime/report/render-html.js';
import { parseReport, renderJson } from '../../runtime/report/render-json.js';
import { renderMarkdown } from '../../runtime/report/render-markdown.js';
import { makeReport } from './fixture.js';

const base = makeReport();
const late = { ...base.performance.dispatchLag, p999: 120 };
const machineLag = { p50: 0.8, p99: 30, p999: 118, max: 140 };
const measured = makeReport({ performance: { ...base.performance, dispatchLag: late, machineLag } });
const unmeasured = makeReport({ performance: { ...base.performance, dispatchLag: late } });

describe('how late the machine itself was', () => {
  it('stands beside the dispatch lag in every form of the report, and nowhere where it was not measured', () => {
    expect(renderMarkdown(measured, 'en')).toContain('Idle timers on the same machine P99.9: 118 ms');
    expect(renderMarkdown(measured, 'ja')).toContain('同じ機械の空タイマーの遅れ P99.9: 118');
    expect(renderHtml(measured, 'en')).toContain('Idle timers on the same machine');
    for (const text of [renderMarkdown(unmeasured, 'en'), renderHtml(unmeasured, 'en')])
      expect(text).not.toContain('Idle timers');
    expect(parseReport(JSON.parse(renderJson(measured))).performance.machineLag).toEqual(machineLag);
  });

  it('is told with the reason why a run is not valid, as it says whose fault that is', () => {
    expect(reasonsInWords(speakerFor(measured, 'en'))).toContain(
      'dispatch lag P99.9 was 120 ms (limit 50 ms; idle timers on the same machine 118 ms)',
    );
    expect(reasonsInWords(speakerFor(unmeasured, 'en'))).toContain('dispatch lag P99.9 was 120 ms (limit 50 ms)');
  });
});
