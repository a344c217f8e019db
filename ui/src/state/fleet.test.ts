/** Checks that events reach rows, that gaps are noticed and that rows keep their places. */
import { expect, test } from 'vitest';

import type { Event } from '../bindings/Event';
import type { LiveSession } from '../bindings/LiveSession';
import type { Host } from '../host/host';
import { recordedHost } from '../host/recorded';
import { aSession, before } from '../test/sessions';
import { Fleet } from './fleet.svelte';
import { SessionList } from './list.svelte';
import type { Pace } from './pace';

const NOTHING = { working: 0, needs_you: 0, paused: 0, done: 0, unknown: 0, tasks_running: 0 };

/** A stream that a test feeds, and a clock it moves by hand. */
class Stage {
  subscriptions = 0;
  now = 0;
  readonly fleet: Fleet;
  readonly list: SessionList;
  #listen: ((event: Event) => void) | null = null;
  #soon: (() => void)[] = [];
  #later: { at: number; work: () => void }[] = [];

  constructor() {
    const pace: Pace = {
      now: () => this.now,
      soon: (work) => this.#soon.push(work),
      later: (work, ms) => this.#later.push({ at: this.now + ms, work }),
    };
    const host: Host = {
      ...recordedHost(new URLSearchParams()),
      subscribe: (listen) => {
        this.subscriptions += 1;
        this.#listen = listen;
        return { accepted: Promise.resolve(), drop: () => undefined };
      },
    };
    this.fleet = new Fleet(host, pace);
    this.list = new SessionList(this.fleet);
    this.fleet.open();
  }

  snapshot(seq: number, ...sessions: LiveSession[]): void {
    this.#listen?.({
      seq,
      at: before(0),
      event: 'snapshot',
      sessions,
      tasks: [],
      summary: NOTHING,
    });
  }

  update(seq: number, session: LiveSession): void {
    this.#listen?.({ seq, at: before(0), event: 'session_updated', session });
  }

  frame(): void {
    const works = this.#soon;
    this.#soon = [];
    for (const work of works) work();
  }

  wait(ms: number): void {
    this.now += ms;
    const due = this.#later.filter((one) => one.at <= this.now);
    this.#later = this.#later.filter((one) => one.at > this.now);
    for (const one of due) one.work();
  }

  drawn(): string[] {
    return this.fleet.groups.map(
      (group) =>
        `${group.status}: ${group.placements.map((place) => place.member.session.title).join(' ')}`,
    );
  }
}

test('a snapshot is drawn in the next frame', () => {
  const stage = new Stage();

  stage.snapshot(1, aSession('a'));
  expect(stage.fleet.ready).toBe(false);
  stage.frame();

  expect(stage.fleet.ready).toBe(true);
  expect(stage.drawn()).toEqual(['working: a']);
});

test('an update changes its row and no place', () => {
  const stage = new Stage();
  stage.snapshot(1, aSession('a', { status_since: before(9) }), aSession('b'));
  stage.frame();
  const groups = stage.fleet.groups;

  stage.update(2, aSession('b', { activity: 'Running ls', status_since: before(1) }));
  stage.frame();

  expect(stage.fleet.row('codex:b')?.session.activity).toBe('Running ls');
  expect(stage.fleet.groups).toBe(groups);
});

test('a gap asks for a new snapshot and the old stream is not heard any more', () => {
  const stage = new Stage();
  stage.snapshot(1, aSession('a'));
  stage.frame();

  stage.update(3, aSession('a', { activity: 'lost' }));
  stage.update(4, aSession('a', { activity: 'late' }));
  stage.frame();
  expect(stage.subscriptions).toBe(1);
  stage.wait(500);

  expect(stage.subscriptions).toBe(2);
  expect(stage.fleet.row('codex:a')?.session.activity).toBeNull();
  stage.snapshot(9, aSession('b'));
  stage.frame();
  expect(stage.drawn()).toEqual(['working: b']);
});

test('rows stay while somebody is on the list, at most two seconds after the pointer rests', () => {
  const stage = new Stage();
  stage.snapshot(1, aSession('a'), aSession('b'));
  stage.frame();

  stage.fleet.touch();
  stage.update(2, aSession('a', { status: 'needs_you' }));
  stage.frame();
  expect(stage.drawn()).toEqual(['working: a b']);
  expect(stage.fleet.row('codex:a')?.session.status).toBe('needs_you');
  expect(stage.fleet.needsYou).toBe(1);
  stage.wait(1500);
  stage.fleet.touch();
  stage.wait(600);
  expect(stage.drawn()).toEqual(['working: a b']);
  stage.wait(1400);

  expect(stage.drawn()).toEqual(['needs_you: a', 'working: b']);
});

test('rows move at once when the pointer leaves', () => {
  const stage = new Stage();
  stage.snapshot(1, aSession('a'), aSession('b'));
  stage.frame();
  stage.fleet.touch();
  stage.update(2, aSession('a', { status: 'paused' }));
  stage.frame();

  stage.fleet.release();

  expect(stage.drawn()).toEqual(['paused: a', 'working: b']);
});

test('a row keeps its place in its group over a new snapshot', () => {
  const stage = new Stage();
  stage.snapshot(
    1,
    aSession('a', { status_since: before(10) }),
    aSession('b', { status_since: before(20) }),
  );
  stage.frame();

  stage.snapshot(
    2,
    aSession('a', { status_since: before(10) }),
    aSession('b', { status_since: before(1) }),
  );
  stage.frame();

  expect(stage.drawn()).toEqual(['working: a b']);
});

test('keys walk the rows that are shown', () => {
  const stage = new Stage();
  stage.snapshot(
    1,
    aSession('a', { status: 'paused' }),
    aSession('b', { git_branch: 'quay' }),
    aSession('c', { status: 'needs_you' }),
  );
  stage.frame();
  const { list } = stage;

  expect(list.move('next')).toBe('codex:c');
  expect(list.move('next')).toBe('codex:a');
  expect(list.move('last')).toBe('codex:b');
  expect(list.move('next')).toBe('codex:b');
  expect(list.nextNeed()).toBe('codex:c');
  list.text = 'quay';
  expect(list.order).toEqual(['codex:b']);
  expect(list.entry).toBe('codex:b');
  list.clearFilter();
  expect(list.order).toHaveLength(3);
});
