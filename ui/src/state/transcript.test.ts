/** Checks that a transcript is read on, never twice at a time. */
import { expect, test } from 'vitest';

import type { TranscriptPage } from '../bindings/TranscriptPage';
import type { Host } from '../host/host';
import { recordedHost } from '../host/recorded';
import { Transcript } from './transcript.svelte';

interface Call {
  readonly cursor: string | null;
  readonly answer: (page: TranscriptPage) => void;
  readonly refuse: (problem: unknown) => void;
}

function stage(): { calls: Call[]; transcript: Transcript } {
  const calls: Call[] = [];
  const host: Host = {
    ...recordedHost(new URLSearchParams()),
    transcript: (_id, cursor) =>
      new Promise((answer, refuse) => {
        calls.push({ cursor, answer, refuse });
      }),
  };
  return { calls, transcript: new Transcript(host, 'codex:a') };
}

const page = (key: string, cursor: string): TranscriptPage => ({
  entries: [{ key, at: null, turn_id: null, type: 'prompt', text: key }],
  cursor,
  reset: false,
  truncated: false,
  skipped_lines: 0,
});
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

test('pokes during a request become one more request from the new cursor', async () => {
  const { calls, transcript } = stage();

  transcript.poke();
  transcript.poke();
  transcript.poke();
  expect(calls.map((call) => call.cursor)).toEqual([null]);
  calls[0]?.answer(page('one', '10'));
  await settled();
  expect(calls.map((call) => call.cursor)).toEqual([null, '10']);
  calls[1]?.answer(page('two', '20'));
  await settled();

  expect(calls).toHaveLength(2);
  expect(transcript.timeline.entries.map((entry) => entry.key)).toEqual(['one', 'two']);
  expect(transcript.reading).toBe('read');
});

test('a refusal is shown in words and the next poke tries again', async () => {
  const { calls, transcript } = stage();

  transcript.poke();
  calls[0]?.refuse({
    code: 'gone',
    title: 'The transcript is gone.',
    detail: null,
    hint: 'Look again.',
  });
  await settled();
  expect(transcript.problem).toEqual({
    code: 'gone',
    title: 'The transcript is gone.',
    detail: null,
    hint: 'Look again.',
  });
  transcript.poke();
  calls[1]?.answer(page('one', '10'));
  await settled();

  expect(transcript.problem).toBeNull();
});

test('an answer after closing is dropped', async () => {
  const { calls, transcript } = stage();

  transcript.poke();
  transcript.close();
  calls[0]?.answer(page('one', '10'));
  await settled();

  expect(transcript.timeline.entries).toEqual([]);
});
