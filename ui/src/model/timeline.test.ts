/** Checks merging, folding and what changed. */
import { expect, test } from 'vitest';

import type { Entry } from '../bindings/Entry';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import { describeStep, opensByItself, outputLines } from './step';
import {
  blocksOf,
  changedFiles,
  commandNames,
  emptyTimeline,
  merge,
  type EntryOf,
} from './timeline';

const page = (entries: Entry[], change: Partial<TranscriptPage> = {}): TranscriptPage => ({
  entries,
  cursor: 'c',
  reset: false,
  truncated: false,
  skipped_lines: 0,
  ...change,
});
const at = { at: null, turn_id: null };
const say = (key: string, text: string): Entry => ({
  key,
  ...at,
  type: 'message',
  text,
  is_final: false,
});
const run = (key: string, command: string, exit_code: number | null = 0): EntryOf<'command'> => ({
  key,
  ...at,
  type: 'command',
  command,
  cwd: null,
  status: exit_code === null ? 'running' : 'completed',
  exit_code,
  output: exit_code === 0 ? '' : 'error: no',
  duration_ms: 14_200,
});

test('an entry with a known key replaces the earlier one in its place', () => {
  const first = merge(
    emptyTimeline(),
    page([say('a', 'one'), run('b', 'ls', null), say('c', 'three')]),
  );
  const second = merge(first, page([run('b', 'ls', 0), say('d', 'four')]));

  expect(second.entries.map((entry) => entry.key)).toEqual(['a', 'b', 'c', 'd']);
  expect(second.entries[1]).toMatchObject({ exit_code: 0 });
  expect(first.entries).toHaveLength(3);
});

test('a reset forgets what was read', () => {
  const first = merge(emptyTimeline(), page([say('a', 'one')], { truncated: true }));
  const second = merge(first, page([say('z', 'new')], { reset: true }));

  expect(second.entries.map((entry) => entry.key)).toEqual(['z']);
  expect(second.truncated).toBe(false);
  expect(merge(first, page([])).truncated).toBe(true);
});

test('steps between two messages become one block, commands that went well one line', () => {
  const blocks = blocksOf([
    { key: 't', ...at, type: 'turn_started', model: null },
    say('a', 'I look'),
    run('1', 'rg x'),
    run('2', 'sed -n 1p a'),
    run('3', '/bin/bash -lc "cargo check"'),
    run('4', 'cargo test', 101),
    run('5', 'ls'),
    say('b', 'done'),
  ]);

  expect(blocks.map((block) => block.kind)).toEqual(['turn', 'message', 'steps', 'message']);
  const steps = blocks[2];
  expect(
    steps?.kind === 'steps' ? steps.items.map((item) => `${item.kind} ${item.key}`) : [],
  ).toEqual(['run run 1', 'step 4', 'step 5']);
  expect(
    commandNames([run('1', 'rg x'), run('3', '/bin/bash -lc "cargo check"'), run('6', 'rg y')]),
  ).toBe('rg, cargo check');
});

test('only the first message of an answer names the agent', () => {
  const blocks = blocksOf([
    say('a', 'one'),
    say('b', 'two'),
    { key: 'p', ...at, type: 'prompt', text: 'go on' },
    say('c', 'three'),
  ]);

  expect(blocks.flatMap((block) => (block.kind === 'message' ? [block.first] : []))).toEqual([
    true,
    false,
    true,
  ]);
});

test('changes of one file add up, also over a move, and refused ones do not count', () => {
  const change = (path: string, n_added: number, moved_to: string | null = null) => ({
    path,
    moved_to,
    kind: 'updated' as const,
    n_added,
    n_removed: 1,
    diff: '',
  });
  const entry = (
    key: string,
    changes: ReturnType<typeof change>[],
    status: 'completed' | 'declined' = 'completed',
  ): Entry => ({
    key,
    ...at,
    type: 'file_changes',
    changes,
    status,
  });

  const files = changedFiles([
    entry('1', [change('/s/a', 3), change('/s/b', 1)]),
    entry('2', [change('/s/a', 4, '/s/c')]),
    entry('3', [change('/s/b', 9)], 'declined'),
  ]);

  expect(files).toEqual([
    { path: '/s/b', n_added: 1, n_removed: 1 },
    { path: '/s/c', n_added: 7, n_removed: 2 },
  ]);
});

test('a command that ended badly says its exit code and opens by itself', () => {
  const step = run('1', 'cargo test', 101);

  expect(describeStep(step, null)).toMatchObject({
    text: 'cargo test',
    tone: 'failed',
    outcome: 'exit 101',
    duration: '14.2s',
  });
  expect(opensByItself(step)).toBe(true);
  expect(outputLines({ ...step, output: 'ok\nerror: no\nerror: two\nend' })).toEqual([
    { text: 'ok', bad: false },
    { text: 'error: no\nerror: two', bad: true },
    { text: 'end', bad: false },
  ]);
});
