/** Checks how tasks are put in order, worded, asked for, and how their logs are read. */
import { expect, test } from 'vitest';

import type { Task } from '../bindings/Task';
import { before, NOW } from '../test/sessions';
import { aNeed, aTask } from '../test/tasks';
import { clockTimeExact } from './format';
import { emptyDraft, missingIn, requestOf } from './draft';
import { emptyLog, linesOf, readOn } from './log';
import { countsOf, describeTask, planOf, projectOf, quietText, runTime } from './taskline';
import { leftover, taskLook } from './tasklook';
import { arrangeTasks, countsText, countTasks, isAnswerable } from './tasks';

const members = (...tasks: Task[]): { task: Task }[] => tasks.map((task) => ({ task }));

test('who waits longest comes first, what ended last comes first', () => {
  const groups = arrangeTasks(
    members(
      aTask('old end', { status: 'failed', ended_at: before(90) }),
      aTask('late ask', { status: 'input_required', started_at: before(5) }),
      aTask('second', { status: 'queued', queue_position: 2 }),
      aTask('runs'),
      aTask('new end', { status: 'completed', ended_at: before(9) }),
      aTask('early ask', { status: 'input_required', started_at: before(50) }),
      aTask('first', { status: 'queued', queue_position: 1 }),
    ),
    [],
  );

  const drawn = groups.map(
    (group) =>
      `${group.name}: ${group.placements.map((place) => place.member.task.title).join(', ')}`,
  );
  expect(drawn).toEqual([
    'waiting: early ask, late ask',
    'running: runs',
    'queued: first, second',
    'ended: new end, old end',
  ]);
});

test('a placement stays the same until another request is asked', () => {
  const member = { task: aTask('a', { status: 'input_required', need: aNeed('one') }) };
  const first = arrangeTasks([member], []);

  const again = arrangeTasks([member], first);
  member.task = { ...member.task, need: aNeed('two') };
  const next = arrangeTasks([member], again);

  expect(again[0]?.placements[0]).toBe(first[0]?.placements[0]);
  expect(next[0]?.placements[0]?.asked?.request_id).toBe('two');
});

test('counts read as words', () => {
  const counts = countTasks(
    members(aTask('a'), aTask('b', { status: 'cancelled' }), aTask('c', { status: 'timed_out' })),
  );

  expect(countsText(counts)).toBe('1 running · 2 ended');
});

test.each<[Partial<Task>, string, string]>([
  [{ status: 'queued', queue_position: 1 }, '', 'Next to start'],
  [{ status: 'queued', queue_position: 3 }, '', '2 tasks ahead'],
  [{ phase: 'thinking' }, '', 'Thinking'],
  [
    {
      phase: 'running_command',
      progress: { done: 0, total: 0, percent: null, current: 'cargo test' },
    },
    'Running',
    'cargo test',
  ],
  [{ status: 'input_required', need: aNeed('one') }, 'Run this?', 'ls'],
  [{ status: 'completed', summary: 'All done.' }, '', 'All done.'],
])('%o reads %s %s', (change, lead, text) => {
  expect(describeTask(aTask('a', change))).toMatchObject({ lead, text });
});

test('only the plan of the agent is a progress', () => {
  const progress = { done: 2, total: 5, percent: 40, current: null };

  expect(planOf(aTask('a'))).toBeNull();
  expect(planOf(aTask('a', { progress: { ...progress, percent: null } }))).toBeNull();
  expect(planOf(aTask('a', { progress }))).toEqual({ done: 2, total: 5, percent: 40 });
});

test('an ended task that left something says what', () => {
  const look = (change: Partial<Task>): string => taskLook(aTask('a', change)).word;

  expect(look({ status: 'completed', outcome: 'no_changes' })).toBe('No changes');
  expect(look({ status: 'timed_out', outcome: 'partial' })).toBe('Timed out');
  expect(leftover(aTask('a', { status: 'timed_out', outcome: 'partial' }))).toBe(
    'some of it was done',
  );
  expect(leftover(aTask('a', { status: 'completed', outcome: 'partial' }))).toBe('');
});

test('times count while a task runs and stand when it ended', () => {
  expect(runTime(aTask('a'), NOW)).toBe(60_000);
  expect(runTime(aTask('a', { ended_at: before(9), elapsed_ms: 51_000 }), NOW)).toBe(51_000);
  expect(runTime(aTask('a', { started_at: null }), NOW)).toBeNull();
  expect(quietText(aTask('a'), NOW)).toBe('');
  expect(quietText(aTask('a', { updated_at: before(300) }), NOW)).toBe('quiet 5m');
});

test('results are counted', () => {
  const report: Task['tests'][number] = {
    parser: 'cargo',
    confidence: 'high',
    command: 'cargo test',
    passed: 12,
    failed: 0,
    skipped: 0,
    failed_names: [],
  };
  const files: Task['files'] = [{ path: 'a', kind: 'added', seen_by: 'both' }];

  expect(countsOf(aTask('a', { files, tests: [report] }))).toEqual(['1 file', '12 tests passed']);
  expect(countsOf(aTask('a', { tests: [{ ...report, failed: 1 }] }))).toEqual(['1 test failed']);
  expect(projectOf({ cwd: 'C:\\src\\harbour\\' })).toBe('harbour');
});

test('only a yes or no can be answered from here', () => {
  const asks = (change: Parameters<typeof aNeed>[1]): boolean =>
    isAnswerable(aTask('a', { status: 'input_required', need: aNeed('one', change) }));

  expect(asks({})).toBe(true);
  expect(asks({ can_answer: false })).toBe(false);
  expect(asks({ kind: 'question' })).toBe(false);
  expect(isAnswerable(aTask('a', { status: 'failed', need: aNeed('one') }))).toBe(false);
});

test('a draft asks for the least', () => {
  const draft = emptyDraft();
  expect(missingIn(draft)).toBe('Say what should be done.');
  draft.prompt = '  Look around \n';
  expect(missingIn(draft)).toBe('Choose the folder to work in.');
  draft.cwd = 'src';
  expect(missingIn(draft)).toBe('Write the whole path of the folder.');
  draft.cwd = '/src/harbour';
  expect(missingIn(draft)).toBeNull();

  expect(requestOf(draft)).toMatchObject({
    prompt: 'Look around',
    cwd: '/src/harbour',
    sandbox: 'read-only',
    model: null,
    isolation: 'none',
  });
});

test('a log is read in parts that cut lines anywhere', () => {
  const at = '2026-11-20T14:30:02.123Z';
  const time = clockTimeExact(Date.parse(at));
  let log = readOn(emptyLog(), `Task         0199\n${at} agent Runs: ls -la\n2026-11`);
  log = readOn(log, `-20T14:30:02.123Z agent Ran with code 1, 12 B of output: ls -la\n`);
  log = readOn(log, `${at} task  Starts: codex\n${at} agent Says: Done: no`);

  expect(linesOf(log)).toEqual([
    { n: 0, time: '', kind: '', text: 'Task         0199', tone: 'quiet' },
    { n: 1, time, kind: 'command', text: 'ls -la', tone: 'plain' },
    { n: 2, time, kind: 'exit 1', text: 'ls -la · 12 B of output', tone: 'bad' },
    { n: 3, time, kind: 'task', text: 'Starts: codex', tone: 'quiet' },
    { n: 4, time, kind: 'message', text: 'Done: no', tone: 'said' },
  ]);
});

test('a line nobody knows is shown as it is', () => {
  const [line] = linesOf(readOn(emptyLog(), '2026-11-20T14:30:02Z agent Sings: a song\n'));

  expect(line).toMatchObject({ kind: 'agent', text: 'Sings: a song' });
});

test('a very long log keeps its end and its numbers', () => {
  const log = readOn(emptyLog(), 'x\n'.repeat(6000));

  expect(log.lines).toHaveLength(5000);
  expect(log.lines[0]?.n).toBe(1000);
  expect(log.n_read).toBe(6000);
});
