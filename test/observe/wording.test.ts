import { besideLimit, duration, number, percent, perMinute } from '../../runtime/observe/wording.js';

describe('numbers for people', () => {
  test.each([
    [0, 0, '0'],
    [2_320_123, 0, '2,320,123'],
    [999, 0, '999'],
    [1_000, 0, '1,000'],
    [501.25, 1, '501.3'],
    [500, 1, '500'],
    [-1_234.5, 1, '-1,234.5'],
    [-0.001, 1, '0'],
    [1_234.5678, 3, '1,234.568'],
  ])('%p with %p digits reads %p', (value, digits, text) => {
    expect(number(value, digits)).toBe(text);
  });

  test.each([
    [0, '0 s'],
    [350, '350 ms'],
    [4_240, '4.2 s'],
    [5_000, '5 s'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [5_400_000, '1 h 30 min'],
    [259_200_000, '72 h'],
    [-5_000, '-5 s'],
  ])('%p ms reads %p', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('shows seconds of hours and fractions of minutes only when asked for more digits', () => {
    expect(duration(259_180_000)).toBe('72 h');
    expect(duration(259_180_000, 2)).toBe('71 h 59 min 40 s');
    expect(duration(60_400, 3)).toBe('1 min 0.4 s');
  });

  it('writes shares and rates', () => {
    expect(percent(0.9995, 2)).toBe('99.95 %');
    expect(perMinute(501.24)).toBe('501.2/min');
  });

  it('never lets a missed limit read like the limit itself', () => {
    expect(besideLimit(5_000.4, 5_000, 1, duration)).toBe('5.0004 s');
    expect(besideLimit(5_000, 5_000, 1, duration)).toBe('5 s');
    expect(besideLimit(259_180_000, 259_200_000, 1, duration)).toBe('71 h 59 min 40 s');
    expect(besideLimit(0.10004, 0.1, 1, number)).toBe('0.10004');
  });
});
