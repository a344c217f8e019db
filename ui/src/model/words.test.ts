/** Checks what rows say: looks, lines, requests, filters, limits. */
import { expect, test } from 'vitest';

import type { EndedHow } from '../bindings/EndedHow';
import { aSession, before, NOW } from '../test/sessions';
import { describe, quietRemark } from './describe';
import { matches, showsAll } from './filter';
import { byUrgency, reportText, toDo } from './health';
import { limitBars, windowName } from './limits';
import { lookOf } from './look';
import { titleOf } from './names';
import { tallyProjects } from './projects';
import { splitRequest } from './request';
import { sinceOf } from './since';

test('each end has its own word and shape', () => {
  const ended = (how: EndedHow): string => {
    const look = lookOf(aSession('a', { status: 'done', ended: { at: null, how } }));
    return `${look.tone} ${look.glyph} ${look.word}`;
  };

  const hows: EndedHow[] = ['finished', 'closed', 'archived', 'interrupted', 'failed', 'killed'];

  expect(hows.map(ended)).toEqual([
    'done done Finished',
    'done closed Closed',
    'done closed Archived',
    'done interrupted Interrupted',
    'failed failed Failed',
    'failed failed Killed',
  ]);
});

test('a failed last turn keeps the session in your turn and says so', () => {
  const session = aSession('a', {
    status: 'paused',
    last_turn: { id: 't', outcome: 'failed', message: 'usage limit reached', ended_at: null },
  });

  expect(lookOf(session).word).toBe('Turn failed');
  expect(describe(session)).toEqual({
    lead: 'Last turn failed:',
    loud: true,
    text: 'usage limit reached',
    code: false,
  });
});

test.each([
  ['Running cargo test -p store', 'Running', 'cargo test -p store', true],
  ['Editing src/lib.rs', 'Editing', 'src/lib.rs', true],
  ['Reading the release notes', '', 'Reading the release notes', false],
  ['Thinking', '', 'Thinking', false],
])('the activity %s is split', (activity, lead, text, code) => {
  expect(describe(aSession('a', { activity }))).toEqual({ lead, loud: false, text, code });
});

test('a quiet session says since when', () => {
  const session = aSession('a', { freshness: 'quiet', last_event_at: before(245) });

  expect(quietRemark(session, NOW)).toBe('quiet 4m');
  expect(quietRemark(aSession('b'), NOW)).toBe('');
});

test.each([
  [
    'Run outside the sandbox? The test needs the database.\n$ psql -f a.sql',
    {
      question: 'Run outside the sandbox?',
      reason: 'The test needs the database.',
      command: 'psql -f a.sql',
    },
  ],
  [
    'Run a command: cargo publish',
    { question: 'Run a command', reason: '', command: 'cargo publish' },
  ],
  ['Which weekday?', { question: 'Which weekday?', reason: '', command: '' }],
  [
    'Approve the plan\nStep one\nStep two',
    { question: 'Approve the plan', reason: '', command: 'Step one\nStep two' },
  ],
])('the request %j is split and nothing of it is lost', (summary, parts) => {
  expect(splitRequest(summary)).toEqual(parts);
});

test('a title is never empty', () => {
  expect(titleOf(aSession('a', { title: '  ', last_prompt: 'Fix it\nplease' }))).toBe('Fix it');
  expect(titleOf(aSession('a', { title: null, project: 'acme' }))).toBe('acme');
  expect(titleOf(aSession('a', { title: null, project: null }))).toBe('a');
});

test('a filter looks for every word in title, project, branch and model', () => {
  const session = aSession('Retry webhook deliveries', { git_branch: 'fix/retry' });

  expect(matches(session, { text: 'RETRY harbour', project: null })).toBe(true);
  expect(matches(session, { text: 'retry tower', project: null })).toBe(false);
  expect(matches(session, { text: '', project: 'tower' })).toBe(false);
  expect(showsAll({ text: ' ', project: null })).toBe(true);
});

test('limits carry the name of their window and their reset', () => {
  const limits = {
    primary: { used_percent: 33.6, window_minutes: 299, resets_at: before(-3600) },
    secondary: { used_percent: 81, window_minutes: 10_080, resets_at: before(60) },
    plan: null,
    reached: null,
  };

  const [short, long] = limitBars('Codex', limits, NOW);

  expect(short).toMatchObject({ label: 'Codex 5 h', percent: 34, high: false });
  expect(short?.says).toMatch(/^34%, resets \d\d:\d\d$/);
  expect(long).toEqual({ label: 'Codex week', percent: 0, says: '0%', high: false });
  expect([null, 60, 1440, 4320, 30].map(windowName)).toEqual([
    'limit',
    '1 h',
    'day',
    '3 d',
    '30 min',
  ]);
});

test('projects count open sessions without sub-agents', () => {
  const sessions = [
    aSession('a'),
    aSession('b', { parent_id: 'codex:a' }),
    aSession('c', { status: 'done', project: 'tower' }),
    aSession('d', { status: 'needs_you', project: 'atlas' }),
  ];

  expect(tallyProjects(sessions)).toEqual([
    { project: 'atlas', needs_you: 1, paused: 0, working: 0 },
    { project: 'harbour', needs_you: 0, paused: 0, working: 1 },
  ]);
});

test('a running session counts from its turn, an ended one from its end', () => {
  const running = aSession('a', { turn: { id: 't', count: 1, started_at: before(90) } });
  const ended = aSession('b', { status: 'done', ended: { at: before(30), how: 'finished' } });

  expect(sinceOf(running)).toEqual({ at: NOW - 90_000, form: 'running' });
  expect(sinceOf(ended)).toEqual({ at: NOW - 30_000, form: 'over' });
});

test('health puts what needs doing first', () => {
  const check = (id: string, state: 'ok' | 'warning' | 'problem' | 'absent') => ({
    id,
    label: id,
    state,
    says: 's',
    hint: id === 'b' ? 'h' : null,
    evidence: null,
  });
  const report = {
    version: '1',
    checks: [check('a', 'ok'), check('b', 'warning'), check('c', 'problem'), check('d', 'absent')],
  };

  expect(byUrgency(report.checks).map((one) => one.id)).toEqual(['c', 'b', 'a', 'd']);
  expect(toDo(report)).toBe(2);
  expect(reportText(report)).toContain('[to do] b: s\n    h');
});
