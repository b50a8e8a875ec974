import { Histogram } from '../runtime/kernel/histogram.js';
test('x', () => { const h = new Histogram(); h.record(3); expect(h.quantile(0.5)).toBeCloseTo(3, 1); });
