import fc from 'fast-check';

import { DAY, HOUR, MINUTE } from '../../runtime/kernel/units.js';
import { formatFor } from '../../runtime/report/format.js';
import { START } from './fixture.js';

const en = formatFor('en');
const ja = formatFor('ja');

test('dates are written in Japan standard time, whatever the zone of the machine', () => {
  expect(en.dateTime(START)).toBe('2026-01-05 00:00');
  expect(en.clock(START + 90_000)).toBe('01-05 00:01:30');
  expect(en.zone).toBe('JST (UTC+09:00)');
});

test.each([
  [0, '0 ms', '0 ms'],
  [0.42, '0.42 ms', '0.42 ms'],
  [999.6, '1 s', '1秒'],
  [1_240, '1.24 s', '1.24秒'],
  [59_960, '1 min', '1分'],
  [200_000, '3 min 20 s', '3分20秒'],
  [HOUR - 1, '1 h', '1時間'],
  [71.5 * HOUR, '71 h 30 min', '71時間30分'],
  [72 * HOUR, '72 h', '72時間'],
  [30 * DAY + HOUR, '30 d 1 h', '30日1時間'],
  [-5 * MINUTE, '−5 min', '−5分'],
])('%d ms are written as «%s» and «%s»', (ms, english, japanese) => {
  expect(en.duration(ms)).toBe(english);
  expect(ja.duration(ms)).toBe(japanese);
});

test('a share that is not whole is never written as 0 % or 100 %', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true }), (share) => {
      expect(en.share(share)).not.toMatch(/^(0(\.0+)?|100(\.0+)?) %$/);
    }),
  );
  expect(en.share(0.99999)).toBe('99.999 %');
  expect(en.share(1 - 4e-7)).toBe('99.99996 %');
  expect(en.share(1 - 1e-12)).toBe('> 99.999999 %');
  expect(en.share(1)).toBe('100 %');
  expect(en.share(0.4224)).toBe('42.2 %');
});

test('what was not measured is a dash everywhere', () => {
  for (const missing of [NaN, Infinity, -Infinity]) {
    const written = [en.count, en.rate, en.usd, en.bytes, en.dateTime, en.clock, en.elapsed, en.share, en.duration];
    expect(written.map((write) => write(missing))).toEqual(written.map(() => '–'));
  }
  expect([en.share(null), en.duration(null), en.decimal(null)]).toEqual(['–', '–', '–']);
  expect(en.dateTime(1e300)).toBe('–');
});

test('numbers carry separators, money cents, small prices more digits, bytes binary units', () => {
  expect(en.count(2_304_120)).toBe('2,304,120');
  expect(en.count(-0.2)).toBe('0');
  expect(en.rate(533.44)).toBe('533.4');
  expect(en.usd(-1_234.5)).toBe('−$1,234.50');
  expect(en.usd(0.0123)).toBe('$0.0123');
  expect(en.bytes(1_536)).toBe('1.5 KiB');
  expect(en.bytes(0)).toBe('0 B');
  expect(en.elapsed(51.9 * HOUR)).toBe('+51:54:00');
});
