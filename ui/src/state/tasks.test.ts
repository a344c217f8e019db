/** Checks that tasks reach rows, that answers reach their request, and that logs are read on. */
import { expect, test } from 'vitest';

import { type Decision, type Host, type LogPart } from '../host/host';
import { recordedHost } from '../host/recorded';
import { aNeed, aTask } from '../test/tasks';
import { Answers } from './answers.svelte';
import type { Pace } from './pace';
import { TaskLog } from './tasklog.svelte';
import { TaskBoard } from './tasks.svelte';

const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

function stage(): { pace: Pace; wait: (ms: number) => void } {
  let now = 0;
  let later: { at: number; work: () => void }[] = [];
  return {
    pace: {
      now: () => now,
      soon: (work) => {
        work();
      },
      later: (work, ms) => later.push({ at: now + ms, work }),
    },
    wait: (ms) => {
      now += ms;
      const due = later.filter((one) => one.at <= now);
      later = later.filter((one) => one.at > now);
      for (const one of due) one.work();
    },
  };
}

const drawn = (board: TaskBoard): string[] =>
  board.groups.map(
    (group) =>
      `${group.name}: ${group.placements.map((place) => place.member.task.title).join(' ')}`,
  );

test('a snapshot replaces the tasks, an update changes one', () => {
  const board = new TaskBoard(stage().pace);
  board.hearAll([aTask('a'), aTask('b', { status: 'queued', queue_position: 1 })]);
  board.flush();
  expect(drawn(board)).toEqual(['running: a', 'queued: b']);
  const groups = board.groups;

  board.hear(aTask('a', { phase: 'editing' }));
  board.flush();
  expect(board.row('a')?.task.phase).toBe('editing');
  expect(board.groups).toBe(groups);

  board.hearAll([aTask('b')]);
  board.flush();
  expect(drawn(board)).toEqual(['running: b']);
  expect(board.row('a')).toBeUndefined();
});

test('a row keeps its place and its request while somebody is on the list', () => {
  const { pace, wait } = stage();
  const board = new TaskBoard(pace);
  board.hearAll([aTask('a', { status: 'input_required', need: aNeed('one') })]);
  board.flush();

  board.touch();
  board.hear(aTask('a'));
  board.flush();
  expect(drawn(board)).toEqual(['waiting: a']);
  expect(board.groups[0]?.placements[0]?.asked?.request_id).toBe('one');
  expect(board.counts.waiting).toBe(0);
  wait(2000);

  expect(drawn(board)).toEqual(['running: a']);
});

function answering(refuse = false): {
  give: (id: string, request: string, decision: Decision) => Promise<void>;
  answers: Answers;
  sent: [string, string, Decision][];
  wait: (ms: number) => void;
} {
  const { pace, wait } = stage();
  const sent: [string, string, Decision][] = [];
  const answers = new Answers(pace);
  return {
    answers,
    give: (id, request, decision) =>
      answers.give(id, request, decision, () => {
        sent.push([id, request, decision]);
        return refuse ? Promise.reject(new Error('gone')) : Promise.resolve();
      }),
    sent,
    wait,
  };
}

test('a request is not answered in its first moments, nor twice, nor out of sight', async () => {
  const { answers, give, sent, wait } = answering();
  await give('a', 'one', 'accept');
  const hide = answers.show('a', 'one');

  wait(299);
  await give('a', 'one', 'accept');
  expect(sent).toEqual([]);
  wait(1);
  await give('a', 'one', 'accept');
  await give('a', 'one', 'decline');
  expect(sent).toEqual([['a', 'one', 'accept']]);
  expect(answers.given('a', 'one')).toBe('accept');

  answers.show('a', 'two');
  await give('a', 'two', 'accept');
  hide();
  expect(sent).toHaveLength(1);
  expect(answers.given('a', 'two')).toBeNull();
});

test('an answer that was not taken can be given again', async () => {
  const { answers, give, wait } = answering(true);
  answers.show('a', 'one');
  wait(300);

  await expect(give('a', 'one', 'accept')).rejects.toThrow('gone');

  expect(answers.given('a', 'one')).toBeNull();
  expect(answers.isOpen('a', 'one')).toBe(true);
});

test('a log is read on from its cursor, one request at a time, and anew after a reset', async () => {
  const calls: { cursor: string | null; answer: (part: LogPart) => void }[] = [];
  const host: Host = {
    ...recordedHost(new URLSearchParams()),
    taskLog: (_id, cursor) => new Promise((answer) => calls.push({ cursor, answer })),
  };
  const log = new TaskLog(host, 'a');

  log.poke();
  log.poke();
  log.poke();
  expect(calls.map((call) => call.cursor)).toEqual([null]);
  calls[0]?.answer({ text: 'one\n', cursor: '4', reset: true });
  await settled();
  calls[1]?.answer({ text: 'two\n', cursor: '8', reset: false });
  await settled();
  expect(calls.map((call) => call.cursor)).toEqual([null, '4']);
  expect(log.log.lines.map((line) => line.text)).toEqual(['one', 'two']);

  log.poke();
  calls[2]?.answer({ text: 'new\n', cursor: '4', reset: true });
  await settled();
  expect(log.log.lines.map((line) => line.text)).toEqual(['new']);
});
