import { MESSAGES, translateName, translator, type MessageKey } from '../../runtime/report/i18n.js';

const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();

test('both languages put the same values into every text', () => {
  const keys = Object.keys(MESSAGES.en) as MessageKey[];
  const differing = keys.filter(
    (key) => String(placeholders(MESSAGES.en[key])) !== String(placeholders(MESSAGES.ja[key])),
  );
  expect(differing).toEqual([]);
  expect(Object.keys(MESSAGES.ja).sort()).toEqual(keys.sort());
});

test('no text is empty or left in the other language by mistake', () => {
  expect(
    Object.values(MESSAGES.en).filter((text) => text.trim() === '' || /[\u3040-\u30ff\u4e00-\u9fff]/u.test(text)),
  ).toEqual([]);
  expect(Object.values(MESSAGES.ja).filter((text) => text.trim() === '')).toEqual([]);
});

test('values are put where their names stand, once and without being read again', () => {
  const t = translator('en');
  expect(t('number.target', { target: '{target} $& ≤ 5 s' })).toBe('target {target} $& ≤ 5 s');
});

test('the Japanese headings are those of template 12.1', () => {
  const t = translator('ja');
  expect([
    t('heading.overview'),
    t('heading.summary'),
    t('heading.performance'),
    t('heading.incidents'),
    t('heading.discussion'),
    t('heading.wentWell'),
    t('heading.wentWrong'),
    t('heading.change'),
    t('heading.recommendations'),
  ]).toEqual([
    '実験概要',
    '結果サマリー',
    'パフォーマンス推移',
    'インシデント',
    '考察',
    '成功点',
    '課題',
    '改善案',
    '次フェーズへの推奨事項',
  ]);
});

test('a known name is translated and an unknown one is shown as it is', () => {
  expect(translateName('ja', 'fault', 'agent_kill')).toBe('エージェント停止');
  expect(translateName('ja', 'fault', 'disk_full')).toBe('disk full');
  expect(translateName('en', 'fault', 'constructor')).toBe('constructor');
});
