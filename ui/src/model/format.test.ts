/** Checks how times and amounts are written. */
import { expect, test } from 'vitest';

import {
  ago,
  coarse,
  contextPercent,
  counted,
  elapsed,
  moment,
  shortId,
  tokens,
  took,
} from './format';

const S = 1000;
const M = 60 * S;
const H = 60 * M;

test.each([
  [0, '0s'],
  [48 * S, '48s'],
  [59_999, '59s'],
  [3 * M + 12 * S, '3m 12s'],
  [4 * M + 8 * S, '4m 08s'],
  [H + 5 * M, '1h 05m'],
  [51 * H, '2d 3h'],
  [-5 * S, '0s'],
])('elapsed(%i) is %s', (ms, text) => {
  expect(elapsed(ms)).toBe(text);
});

test.each([
  [30 * S, '30s'],
  [22 * M + 59 * S, '22m'],
  [119 * M, '1h'],
  [49 * H, '2d'],
])('coarse(%i) is %s', (ms, text) => {
  expect(coarse(ms)).toBe(text);
  expect(ago(ms)).toBe(`${text} ago`);
});

test.each([
  [400, '0.4s'],
  [14_200, '14.2s'],
  [21_000, '21s'],
  [192_000, '3m 12s'],
])('took(%i) is %s', (ms, text) => {
  expect(took(ms)).toBe(text);
});

test.each([
  [0, '0'],
  [640, '640'],
  [18_400, '18k'],
  [184_000, '184k'],
  [999_600, '1.0M'],
  [1_240_000, '1.2M'],
])('tokens(%i) is %s', (n, text) => {
  expect(tokens(n)).toBe(text);
});

test('context is unknown without a window and never over 100', () => {
  expect(contextPercent(10, null)).toBeNull();
  expect(contextPercent(null, 10)).toBeNull();
  expect(contextPercent(62, 100)).toBe(62);
  expect(contextPercent(300, 100)).toBe(100);
});

test('ids keep the parts people recognise', () => {
  expect(shortId('codex resume 019a6c2e-5d10-7a31-9c44-000000017c4e')).toBe(
    'codex resume 019a…7c4e',
  );
  expect(counted(1, 'command')).toBe('1 command');
  expect(counted(6, 'command')).toBe('6 commands');
});

test('a moment that is none is null', () => {
  expect(moment('yesterday')).toBeNull();
  expect(moment(null)).toBeNull();
  expect(moment('1970-01-01T00:00:01Z')).toBe(1000);
});
