import fc from 'fast-check';
import {
  formatCount,
  formatDuration,
  formatMoney,
  formatPercent,
  formatRate,
  formatSize,
  parseDuration,
  parseMoney,
  parsePercent,
  parseRate,
  parseSize,
  QuantityError,
} from '../../runtime/spec/units.js';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['5min', 300_000],
    ['5m', 300_000],
    ['5 min', 300_000],
    ['1h30min', 5_400_000],
    ['1h 30m', 5_400_000],
    ['72h', 259_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1y', 31_536_000_000],
    [0, 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '5', 'h', '5 hrs', '-5min', '5min1h', '5min5min', '1e3s', '1..5s', 'five min', '12:30'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDuration(text)).toThrow(QuantityError);
    },
  );

  test('asks for the unit of a bare number', () => {
    expect(hintOf(() => parseDuration(72))).toBe('give the unit: 72s, 72min or 72h');
    expect(hintOf(() => parseDuration('72'))).toContain('give the unit');
    expect(hintOf(() => parseDuration('5mins'))).toContain('"mins" is no unit of time');
  });

  test.each([
    [259_200_000, '72h'],
    [2_592_000_000, '30d'],
    [31_536_000_000, '1y'],
    [7_500_000, '2h5min'],
    [90_000, '1min30s'],
    [4_523.4, '4.523s'],
    [999.7, '1s'],
    [0.25, '0.25ms'],
    [0, '0s'],
    [NaN, 'unknown'],
  ])('%d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('what is written in whole milliseconds is read as the same', () => {
    fc.assert(fc.property(fc.nat({ max: 40_000_000_000 }), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('rates', () => {
  test.each([
    ['500/min', 500],
    ['2000 tasks/min', 2_000],
    ['1 task/s', 60],
    ['8/s', 480],
    ['90/h', 1.5],
    ['500 per min', 500],
    [0, 0],
  ])('%s is %d tasks/min', (text, perMin) => {
    expect(parseRate(text)).toBe(perMin);
  });

  test.each([500, '500', '500 tasks', '-5/min', '500/fortnight', '/min', '500/'])('refuses %p', (value) => {
    expect(() => parseRate(value)).toThrow(QuantityError);
  });

  test('what is written is read as the same, to a thousandth', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1_000_000_000 }),
        (thousandths) => parseRate(formatRate(thousandths / 1_000)) === thousandths / 1_000,
      ),
    );
  });
});

describe('percentages', () => {
  test.each([
    ['99.9%', 0.999],
    ['5 %', 0.05],
    ['0.1%', 0.001],
    ['100%', 1],
    ['5.6%', 0.056],
    [0, 0],
  ])('%s is %d', (text, share) => {
    expect(parsePercent(text)).toBe(share);
  });

  test.each([0.1, 10, '10', '101%', '-1%', '%'])('refuses %p, which could mean two things or nothing', (value) => {
    expect(() => parsePercent(value)).toThrow(QuantityError);
  });

  test('asks which is meant by a fraction', () => {
    expect(hintOf(() => parsePercent(0.1))).toBe('write 10% or 0.1%, whichever is meant');
    expect(hintOf(() => parsePercent('10'))).toBe('write 10%');
  });

  test('what is written is read as the same, to a ten-thousandth of a percent', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1_000_000 }),
        (parts) => parsePercent(formatPercent(parts / 1_000_000)) === parts / 1_000_000,
      ),
    );
  });
});

describe('sizes', () => {
  test.each([
    ['8Gi', 8 * 1024 ** 3],
    ['8GiB', 8 * 1024 ** 3],
    ['8GB', 8e9],
    ['300Mi', 314_572_800],
    ['64Ki', 65_536],
    ['1.5Gi', 1_610_612_736],
    ['512B', 512],
    [0, 0],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([8, '8', '8G', '8 gigs', '-8Gi'])('refuses %p', (value) => {
    expect(() => parseSize(value)).toThrow(QuantityError);
  });

  test('a whole number of any unit is read as it was written', () => {
    const units = fc.constantFrom(1024, 1024 ** 2, 1024 ** 3, 1e3, 1e6, 1e9);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9_999 }),
        units,
        (amount, unit) => parseSize(formatSize(amount * unit)) === amount * unit,
      ),
    );
  });

  test('other sizes are rounded for people', () => {
    expect(formatSize(1_234_567)).toBe('1.2Mi');
  });
});

describe('money and counts', () => {
  test.each([
    ['$500', 500],
    ['$1,200.50', 1_200.5],
    ['$0.25', 0.25],
  ])('%s is %d dollars', (text, usd) => {
    expect(parseMoney(text)).toBe(usd);
  });

  test.each([500, '500', '€500', '$1,20', '$-5'])('refuses %p', (value) => {
    expect(() => parseMoney(value)).toThrow(QuantityError);
  });

  test('what is written in whole cents is read as the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), (cents) => parseMoney(formatMoney(cents / 100)) === cents / 100),
    );
  });

  test('fractions of a cent are not rounded to nothing', () => {
    expect(formatMoney(0.0042)).toBe('$0.0042');
    expect(formatMoney(0.5)).toBe('$0.50');
  });

  test('counts have separators', () => {
    expect(formatCount(2_306_000)).toBe('2,306,000');
  });
});

function hintOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof QuantityError) return error.hint;
    throw error;
  }
  throw new Error('nothing was refused');
}
