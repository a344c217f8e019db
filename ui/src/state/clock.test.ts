/** Checks that a time is told as often as it shows. */
import { expect, test } from 'vitest';

import { Clock } from './clock.svelte';

test('seconds are told by the second, minutes by the slow hand', () => {
  const clock = new Clock();
  clock.slow = 100_000;
  clock.now = 106_000;

  expect(clock.since(99_000)).toBe(7_000);
  expect(clock.since(101_000)).toBe(5_000);
  expect(clock.since(30_000)).toBe(70_000);
});
