/** Checks gaps of the stream, keys and addresses. */
import { expect, test } from 'vitest';

import { commandFor, type Press, type Target } from './keys';
import { addressOf, placeOf, type Place } from './place';
import { judge } from './stream';

test.each([
  [null, 7, 'snapshot', 'apply'],
  [null, 7, 'heartbeat', 'subscribe_again'],
  [7, 8, 'session_updated', 'apply'],
  [7, 9, 'session_updated', 'subscribe_again'],
  [7, 7, 'session_updated', 'subscribe_again'],
  [7, 20, 'snapshot', 'apply'],
] as const)('after %s, number %i of %s: %s', (last, seq, event, verdict) => {
  expect(judge(last, { seq, event })).toBe(verdict);
});

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

test.each<[string, Target, string | null]>([
  ['j', 'page', 'next'],
  ['J', 'page', 'next'],
  ['ArrowUp', 'page', 'previous'],
  ['Enter', 'page', 'open'],
  ['Enter', 'control', null],
  ['g', 'control', 'go_to_terminal'],
  ['g', 'filter', null],
  ['Escape', 'filter', 'back'],
  ['ArrowDown', 'filter', 'next'],
  ['ArrowDown', 'field', null],
  ['a', 'field', null],
  ['Escape', 'field', 'back'],
  ['a', 'page', 'approve'],
  ['3', 'page', 'tasks'],
  ['?', 'page', 'keys'],
  ['x', 'page', null],
])('%s on %s means %s', (key, target, command) => {
  expect(commandFor(press(key), target)).toBe(command);
});

test('keys with a modifier belong to the system', () => {
  expect(commandFor(press('r', { ctrlKey: true }), 'page')).toBeNull();
});

test('a place survives its address', () => {
  const places: readonly Place[] = [
    { view: 'session', id: 'codex:019a/%x' },
    { view: 'tasks' },
    { view: 'new_task' },
    { view: 'task', id: '0199a6c2-0000-7000-8000-000000000001' },
  ];

  for (const place of places) expect(placeOf(addressOf(place))).toEqual(place);
  expect(placeOf('#/health')).toEqual({ view: 'health' });
  expect(placeOf('')).toEqual({ view: 'sessions' });
  expect(placeOf('#/session/%zz')).toEqual({ view: 'session', id: '%zz' });
});
