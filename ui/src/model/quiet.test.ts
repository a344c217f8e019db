import { expect, test } from 'vitest';

import { clockTime } from './format';
import { quietWords } from './quiet';

const now = Date.parse('2026-11-20T10:00:00Z');

test('a session that is quiet says for how long', () => {
  const until = '2026-11-20T11:00:00Z';
  const later = clockTime(Date.parse(until));

  expect(quietWords(null, now)).toBeNull();
  expect(quietWords({ type: 'muted' }, now)).toBe('Muted');
  expect(quietWords({ type: 'snoozed', until }, now)).toBe(`Snoozed until ${later}`);
});

test('a snooze that is over says nothing', () => {
  expect(quietWords({ type: 'snoozed', until: '2026-11-20T10:00:00Z' }, now)).toBeNull();
});
