/** Checks that undrawn rows keep their height. */
import { expect, test } from 'vitest';

import { aSession } from '../test/sessions';
import { arrange } from './arrange';
import { chunked, holds } from './chunks';

const member = (name: string, change: Parameters<typeof aSession>[1] = {}) => ({
  session: aSession(name, change),
  enteredAt: 0,
});

test('long groups are cut, and every cut knows its height', () => {
  const many = Array.from({ length: 45 }, (_, index) =>
    member(`s${String(index).padStart(2, '0')}`),
  );
  const threads = [
    member('child', { parent_id: 'codex:s00' }),
    member('helper', { parent_id: 'codex:s00', helper: true }),
  ];

  const [group] = chunked(arrange([...many, ...threads]), 'groups', new Set(['codex:s00']));

  expect(group?.count).toBe(45);
  expect(group?.chunks.map((chunk) => [chunk.placements.length, chunk.early])).toEqual([
    [20, true],
    [20, true],
    [5, false],
  ]);
  expect(group?.chunks[0]?.height).toBe(
    'calc(20 * var(--row-two) + 2 * var(--row-child) + 1 * var(--row-fold))',
  );
  expect(group?.chunks.map((chunk) => holds(chunk, 'codex:s44'))).toEqual([false, false, true]);
  expect(group?.chunks.map((chunk) => holds(chunk, 'codex:child'))).toEqual([true, false, false]);
});

test('the dense list has one height and no folds', () => {
  const [group] = chunked(arrange([member('a', { status: 'done' })]), 'dense', new Set());

  expect(group?.chunks[0]?.height).toBe(
    'calc(1 * var(--row-dense) + 0 * var(--row-dense) + 0 * var(--row-fold))',
  );
});
