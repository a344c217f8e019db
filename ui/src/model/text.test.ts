/** Checks Markdown and diffs. */
import { expect, test } from 'vitest';

import { parseDiff } from './diff';
import { parseInline, parseMarkdown } from './markdown';

const text = (value: string) => ({ kind: 'text', text: value });

test('code, strong, emphasis and links are read within a line', () => {
  expect(parseInline('Use `a*b*c`, **not `b`**, *ever* [here](src/x_(1).rs).')).toEqual([
    text('Use '),
    { kind: 'code', text: 'a*b*c' },
    text(', '),
    { kind: 'strong', content: [text('not '), { kind: 'code', text: 'b' }] },
    text(', '),
    { kind: 'emphasis', content: [text('ever')] },
    text(' '),
    { kind: 'link', content: [text('here')], target: 'src/x_(1).rs' },
    text('.'),
  ]);
});

test.each([
  'snake_case_name',
  '2 * 3 * 4',
  'a ** b',
  '<script>alert(1)</script>',
  '[x] done',
  'unclosed `code',
])('%s stays text', (line) => {
  expect(parseInline(line)).toEqual([text(line)]);
});

test('blocks are told apart', () => {
  const blocks = parseMarkdown(
    '# Head\npara one\nstill one\n\n- a\n  more\n  1. deep\n- b\n\n> quote\n\n```rs\nfn x() {}\n\n# no head\n```\n---\n| a | b |\n|---|---|\n| 1 | 2 |',
  );

  expect(blocks.map((block) => block.kind)).toEqual([
    'heading',
    'paragraph',
    'list',
    'quote',
    'code',
    'rule',
    'table',
  ]);
  expect(blocks[2]).toMatchObject({
    start: null,
    items: [[{ kind: 'paragraph' }, { kind: 'list', start: 1 }], [{ kind: 'paragraph' }]],
  });
  expect(blocks[4]).toEqual({ kind: 'code', language: 'rs', text: 'fn x() {}\n\n# no head' });
});

test('text that is cut anywhere is still read', () => {
  const whole =
    '# a\n\n1. x\n   - y\n\n```\ncode `x`\n```\n> **q** [l](t)\n\n| a |\n|---|\n| `1` |\n';

  for (let end = 0; end <= whole.length; end += 1)
    expect(() => parseMarkdown(whole.slice(0, end))).not.toThrow();
  expect(parseMarkdown('```\nopen')).toEqual([{ kind: 'code', language: '', text: 'open' }]);
});

test('deep nesting and long lines end', () => {
  expect(parseMarkdown('>'.repeat(4000))).toHaveLength(1);
  expect(parseMarkdown('*'.repeat(20_000) + 'a')).toHaveLength(1);
  expect(parseMarkdown('- '.repeat(3000) + 'a')).toHaveLength(1);
  expect(parseInline('['.repeat(20_000))).toHaveLength(1);
});

test('diff lines carry both numbers', () => {
  const lines = parseDiff(
    '--- a/x\n+++ b/x\n@@ -88,3 +88,3 @@ fn\n same\n-old\n+new\n+++twice\n\\ No newline',
  );

  expect(lines).toEqual([
    { kind: 'hunk', text: '@@ -88,3 +88,3 @@ fn' },
    { kind: 'same', before: 88, after: 88, text: 'same' },
    { kind: 'del', before: 89, after: null, text: 'old' },
    { kind: 'add', before: null, after: 89, text: 'new' },
    { kind: 'add', before: null, after: 90, text: '++twice' },
    { kind: 'note', text: '\\ No newline' },
  ]);
});

test('a change without a recorded diff has no lines', () => {
  expect(parseDiff('')).toEqual([]);
});
