/** Checks groups, their order and what is nested. */
import { expect, test } from 'vitest';

import type { LiveSession } from '../bindings/LiveSession';
import { aSession, before } from '../test/sessions';
import { arrange, enteredAt, placeKey, settle } from './arrange';

function drawn(sessions: LiveSession[]): string[] {
  const members = sessions.map((session) => ({ session, enteredAt: enteredAt(session) }));
  return arrange(members).map((group) => {
    const rows = group.placements.map((place) => {
      const children = place.children.map((child) => child.session.title).join(' ');
      const folded = place.folded.map((child) => child.session.title).join(' ');
      return [place.member.session.title, children && `>${children}`, folded && `(${folded})`]
        .filter(Boolean)
        .join(' ');
    });
    return `${group.status}: ${rows.join(', ')}`;
  });
}

test('groups come in the order of urgency, and empty ones not at all', () => {
  const sessions = [
    aSession('d', { status: 'done' }),
    aSession('u', { status: 'unknown' }),
    aSession('w'),
    aSession('p', { status: 'paused' }),
    aSession('n', { status: 'needs_you' }),
  ];

  expect(drawn(sessions)).toEqual([
    'needs_you: n',
    'paused: p',
    'working: w',
    'unknown: u',
    'done: d',
  ]);
  expect(drawn([aSession('w')])).toEqual(['working: w']);
});

test('who waits longest comes first, who ended last comes first', () => {
  const sessions = [
    aSession('young', { status: 'needs_you', status_since: before(5) }),
    aSession('old', { status: 'needs_you', status_since: before(500) }),
    aSession('earlier', { status: 'done', ended: { at: before(900), how: 'finished' } }),
    aSession('later', { status: 'done', ended: { at: before(100), how: 'killed' } }),
  ];

  expect(drawn(sessions)).toEqual(['needs_you: old, young', 'done: later, earlier']);
});

test('sub-agents nest below their root; ended ones and helpers are folded', () => {
  const sessions = [
    aSession('root'),
    aSession('child', { parent_id: 'codex:root' }),
    aSession('grandchild', { parent_id: 'codex:child', status_since: before(10) }),
    aSession('ended', { parent_id: 'codex:root', status: 'done' }),
    aSession('helper', { parent_id: 'codex:root', helper: true }),
  ];

  expect(drawn(sessions)).toEqual(['working: root >child grandchild (ended helper)']);
});

test('a sub-agent that asks stands in the group that is seen', () => {
  const sessions = [
    aSession('root'),
    aSession('child', { parent_id: 'codex:root', status: 'needs_you' }),
  ];

  expect(drawn(sessions)).toEqual(['needs_you: child', 'working: root']);
});

test('a sub-agent without its parent stands alone, a lone helper is not shown', () => {
  const sessions = [
    aSession('orphan', { parent_id: 'codex:gone' }),
    aSession('helper', { parent_id: 'codex:gone', helper: true }),
  ];

  expect(drawn(sessions)).toEqual(['working: orphan']);
});

test('parents in a circle do not hang the window', () => {
  const sessions = [
    aSession('a', { parent_id: 'codex:b' }),
    aSession('b', { parent_id: 'codex:a' }),
  ];

  expect(() => drawn(sessions)).not.toThrow();
});

test('activity, tokens and messages do not change a place; a state does', () => {
  const session = aSession('a');

  expect(
    placeKey({ ...session, activity: 'Running x', last_message: 'y', last_event_at: before(0) }),
  ).toBe(placeKey(session));
  expect(placeKey({ ...session, status: 'paused' })).not.toBe(placeKey(session));
});

test('what did not move stays the same object', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ session: aSession(name), enteredAt: 0 }));
  if (a === undefined || b === undefined || c === undefined) return;
  const paused = { session: aSession('p', { status: 'paused' }), enteredAt: 0 };
  const before = arrange([a, b, paused]);

  const after = settle(before, arrange([a, b, c, paused]));

  expect(after[0]).toBe(before[0]);
  expect(after[1]?.placements[0]).toBe(before[1]?.placements[0]);
  expect(after[1]?.placements).toHaveLength(3);
});
