import { redact } from '../../runtime/kernel/redact.js';

describe('redact', () => {
  it.each([
    ['key sk-ant-api03-abcdefghijkl here', 'key [redacted] here'],
    ['push with ghp_abcdefghijklmnopqrst', 'push with [redacted]'],
    ['Authorization: Bearer abc.def-123456', 'Authorization: Bearer [redacted]'],
    ['{"api_key":"abcdef123","x":1}', '{"api_key":"[redacted]","x":1}'],
    ['GITHUB_TOKEN=abcdef123 ok', 'GITHUB_TOKEN=[redacted] ok'],
    ['AKIAABCDEFGHIJKLMNOP', '[redacted]'],
  ])('takes out what looks like a secret: %s', (text, safe) => {
    expect(redact(text)).toBe(safe);
  });

  it('takes out secrets it is told of, the longer ones first', () => {
    expect(redact('my hunter2-plus and hunter2', ['hunter2', 'hunter2-plus'])).toBe('my [redacted] and [redacted]');
  });

  it.each(['the task failed after 12 tokens', 'issue 42: secret garden', 'skill-level: high', 'a password is missing'])(
    'leaves ordinary words alone: %s',
    (text) => {
      expect(redact(text, ['', 'a'])).toBe(text);
    },
  );
});
