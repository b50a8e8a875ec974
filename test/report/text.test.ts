import fc from 'fast-check';

import { displayWidth, padDisplay, wrapDisplay } from '../../runtime/report/text/columns.js';
import { code, markdownTable, plain } from '../../runtime/report/text/markdown.js';
import { sparkline, textBar } from '../../runtime/report/text/sparkline.js';

test('a padded text has exactly the width asked for, Japanese counted double', () => {
  expect(displayWidth('P99レイテンシ')).toBe(13);
  expect(padDisplay('障害復旧', 6)).toBe('障害… ');
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ' ', '障', 'ー', '–') }),
      fc.integer({ min: 1, max: 30 }),
      (text, width) => {
        expect(displayWidth(padDisplay(text, width))).toBe(width);
      },
    ),
  );
});

test('a wrapped text loses nothing but spaces and no line is too wide', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', ' ', '障', 'bc') }),
      fc.integer({ min: 2, max: 20 }),
      (text, width) => {
        const lines = wrapDisplay(text, width);
        expect(lines.every((line) => displayWidth(line) <= width)).toBe(true);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      },
    ),
  );
});

test('a sparkline shows height, gaps and a flat line at zero', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([1, null, 1], 3)).toBe('█ █');
  expect(sparkline([0, 0], 2)).toBe('▁▁');
  expect(sparkline([5, 5], 2, 'mean', 10)).toBe('▅▅');
  expect(sparkline(new Array<number>(2_160).fill(1), 60)).toHaveLength(60);
});

test('a bar shows that something is there, however little, and never leaves its width', () => {
  expect([textBar(0, 5, 10), textBar(0.001, 5, 10), textBar(2.5, 5, 10), textBar(50, 5, 10)]).toEqual([
    '',
    '█',
    '█████',
    '██████████',
  ]);
});

test('text from a run can neither end a table cell nor become markup', () => {
  expect(plain('a | b\n<script>alert(1)</script> *x* [l](http://e)')).toBe(
    'a \\| b &lt;script&gt;alert(1)&lt;/script&gt; \\*x\\* \\[l\\](http://e)',
  );
  expect(code('a`b|c')).toBe('`` a`b\\|c ``');
  expect(markdownTable(['a'], [[plain('x|y')]]).split('\n')).toEqual(['| a |', '|------|', '| x\\|y |']);
});
