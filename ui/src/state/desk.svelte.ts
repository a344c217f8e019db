/** Ties the states of the window together and carries out its commands. */
import { createContext, tick } from 'svelte';

import type { Aim } from '../bindings/Aim';
import type { LiveSession } from '../bindings/LiveSession';
import type { Sent } from '../bindings/Sent';
import type { SessionId } from '../bindings/SessionId';
import type { Task } from '../bindings/Task';
import type { TaskId } from '../bindings/TaskId';
import type { TurnId } from '../bindings/TurnId';
import type { Decision, Host } from '../host/host';
import { emptyDraft, missingIn, requestOf, type Draft } from '../model/draft';
import type { Command } from '../model/keys';
import { addressOf, placeOf, type Place } from '../model/place';
import { takesYesOrNo } from '../model/request';
import { isAnswerable } from '../model/tasks';
import { unreachable } from '../model/unreachable';
import { Answers } from './answers.svelte';
import { Clock } from './clock.svelte';
import { Copier } from './copy.svelte';
import { Fleet } from './fleet.svelte';
import { SessionList, type Move } from './list.svelte';
import { Looked } from './looked.svelte';
import { framePace } from './pace';
import type { TaskBoard } from './tasks.svelte';
import { Troubles } from './troubles.svelte';

/** What lies above the page. */
export type Overlay = 'none' | 'keys' | 'why' | 'confirm';

/** Everything the components draw from. */
export class Desk {
  readonly host: Host;
  readonly clock = new Clock();
  readonly copier = new Copier();
  readonly looked = new Looked();
  readonly fleet: Fleet;
  readonly list: SessionList;
  readonly tasks: TaskBoard;
  readonly answers: Answers;
  readonly troubles: Troubles;
  /** The task that is being written; it stays while the person looks elsewhere. */
  readonly draft = $state<Draft>(emptyDraft());
  starting = $state(false);
  /** Replies that were written and not sent, by task. */
  readonly replies = new Map<TaskId, string>();
  /** Messages that were written and not sent, by session. */
  readonly messages = new Map<SessionId, string>();
  place = $state.raw<Place>({ view: 'sessions' });
  overlay = $state<Overlay>('none');

  constructor(host: Host) {
    this.host = host;
    const pace = framePace();
    this.fleet = new Fleet(host, pace);
    this.list = new SessionList(this.fleet);
    this.tasks = this.fleet.tasks;
    this.answers = new Answers(pace);
    this.troubles = new Troubles(host);
    this.place = placeOf(location.hash);
  }

  /** How many sessions and tasks wait for somebody; a task and its session count once. */
  readonly needsYou: number = $derived.by(() => {
    const sessions = this.fleet.needsYou;
    if (this.tasks.counts.waiting === 0) return sessions;
    const alone = this.tasks.waiting().filter((task) => {
      const row = task.session_id === null ? undefined : this.fleet.row(task.session_id);
      return row?.session.status !== 'needs_you';
    });
    return sessions + alone.length;
  });

  /** Starts everything that runs; returns how to stop it. */
  start(): () => void {
    const stops = [this.clock.start(), this.looked.start()];
    const follow = (): void => {
      this.place = placeOf(location.hash);
      this.overlay = 'none';
      if (this.place.view === 'session') this.list.selected = this.place.id;
      if (this.place.view === 'task') this.tasks.selected = this.place.id;
    };
    window.addEventListener('hashchange', follow);
    this.fleet.open();
    void this.troubles.start();
    void this.troubles.attempt(async () => {
      await this.host.onNavigate((place) => {
        this.go(place);
      });
      const place = await this.host.initialRoute();
      if (place !== null) this.go(place);
    });
    return () => {
      window.removeEventListener('hashchange', follow);
      for (const stop of stops) stop();
      this.fleet.close();
    };
  }

  /** Goes to a place. */
  go(place: Place): void {
    this.overlay = 'none';
    this.place = place;
    location.hash = addressOf(place);
  }

  /** Opens a session's page. */
  openSession(id: SessionId): void {
    this.list.selected = id;
    this.go({ view: 'session', id });
  }

  /** Opens a task's page. */
  openTask(id: TaskId): void {
    this.tasks.selected = id;
    this.go({ view: 'task', id });
  }

  /** Puts the focus on the selected row, so that the list is where it was left. */
  focusSelected(): void {
    const row =
      this.place.view === 'tasks'
        ? rowSelector('task-id', this.tasks.selected)
        : rowSelector('session-id', this.list.selected);
    if (row === null) return;
    void tick().then(() => {
      const link = document.querySelector(`${row} a.open`);
      if (link instanceof HTMLElement) link.focus();
    });
  }

  /** Returns the session that keys act on. */
  subject(): LiveSession | null {
    switch (this.place.view) {
      case 'session':
        return this.fleet.row(this.place.id)?.session ?? null;
      case 'sessions':
        return this.list.selected === null
          ? null
          : (this.fleet.row(this.list.selected)?.session ?? null);
      case 'tasks':
      case 'task':
      case 'new_task':
      case 'health':
        return null;
      default:
        return unreachable(this.place);
    }
  }

  /** Answers the request of a task, if that request is still the one that is open. */
  answer(id: TaskId, request: string, decision: Decision): void {
    const send = (): Promise<void> => this.host.answerTask(id, request, decision);
    void this.troubles.attempt(() => this.answers.give(id, request, decision, send));
  }

  /** Answers the request of a session, if that request is still the one that is open. */
  answerSession(id: SessionId, request: string, answer: string): void {
    const send = (): Promise<void> => this.host.answerSession(id, request, answer);
    void this.troubles.attempt(() => this.answers.give(id, request, answer, send));
  }

  /** Starts the task of the draft and goes to it. */
  startTask(): void {
    if (this.starting || missingIn(this.draft) !== null) return;
    this.starting = true;
    const request = requestOf(this.draft);
    void this.troubles
      .attempt(async () => {
        const id = await this.host.startTask(request);
        Object.assign(this.draft, emptyDraft(), { cwd: this.draft.cwd });
        this.#expect(id);
      })
      .then(() => {
        this.starting = false;
      });
  }

  /** Ends a task. */
  cancelTask(id: TaskId): Promise<void> {
    return this.troubles.attempt(() => this.host.cancelTask(id));
  }

  /** Starts a follow-up in the thread of a task and goes to it. */
  replyTask(id: TaskId, text: string): Promise<void> {
    return this.troubles.attempt(async () => {
      const next = await this.host.replyTask(id, text);
      this.replies.delete(id);
      this.#expect(next);
    });
  }

  #expect(id: TaskId): void {
    if (this.tasks.row(id) === undefined) this.tasks.expected = id;
    this.openTask(id);
  }

  /** Goes to a session's terminal, or copies the command that takes the session up. */
  openTerminal(id: SessionId): Promise<void> {
    return this.troubles.attemptAndTell(async () => {
      const unreached = await this.host.openTerminal(id);
      if (unreached === null) return null;
      if (unreached.command !== null) await this.copier.copy(unreached.command);
      return unreached.problem;
    });
  }

  openFolder(id: SessionId): void {
    void this.troubles.attempt(() => this.host.openFolder(id));
  }

  /** Sends a message to a session; returns where it went, or null when it was refused. */
  async tellSession(id: SessionId, text: string, aim: Aim): Promise<Sent | null> {
    let sent: Sent | null = null;
    await this.troubles.attempt(async () => {
      sent = await this.host.tellSession(id, text, aim);
      this.messages.delete(id);
    });
    return sent;
  }

  /** Interrupts a turn of a session, if that turn still runs. */
  interruptSession(id: SessionId, turn: TurnId): Promise<void> {
    return this.troubles.attempt(() => this.host.interruptSession(id, turn));
  }

  /** Ends the process that owns a session. */
  stopSession(id: SessionId): Promise<void> {
    return this.troubles.attemptAndTell(() => this.host.stopSession(id));
  }

  playDemo(): void {
    void this.troubles.attempt(() => this.host.playDemo());
  }

  /** Carries out a command; returns whether it had any effect here. */
  run(command: Command): boolean {
    switch (command) {
      case 'next':
      case 'previous':
      case 'first':
      case 'last':
        return this.#walk((list) => list.move(command));
      case 'next_need':
        return this.#walk((list) => list.nextNeed());
      case 'open':
        return this.#open();
      case 'back':
        return this.#back();
      case 'filter':
        if (this.place.view !== 'sessions') this.go({ view: 'sessions' });
        void tick().then(() => document.querySelector<HTMLInputElement>('#filter')?.focus());
        return true;
      case 'keys':
        this.overlay = this.overlay === 'keys' ? 'none' : 'keys';
        return true;
      case 'why':
        if (this.place.view !== 'session') return false;
        this.overlay = this.overlay === 'why' ? 'none' : 'why';
        return true;
      case 'sessions':
      case 'tasks':
      case 'new_task':
      case 'health':
        this.go({ view: command });
        return true;
      case 'approve':
        return this.#answerSubject('accept');
      case 'decline':
        return this.#answerSubject('decline');
      case 'layout':
        if (this.place.view !== 'sessions') return false;
        this.list.setLayout(this.list.layout === 'groups' ? 'list' : 'groups');
        return true;
      case 'go_to_terminal':
        return this.#withSubject((session) => {
          void this.openTerminal(session.id);
        });
      case 'open_folder':
        return this.#withSubject((session) => {
          this.openFolder(session.id);
        });
      case 'copy_resume':
        return this.#withSubject((session) => {
          if (session.resume_command !== null) void this.copier.copy(session.resume_command);
        });
      default:
        return unreachable(command);
    }
  }

  #walk(step: (list: Walkable) => unknown): boolean {
    if (this.place.view === 'sessions') {
      this.fleet.touch();
      step(this.list);
    } else if (this.place.view === 'tasks') {
      this.tasks.touch();
      step(this.tasks);
    } else {
      return false;
    }
    this.focusSelected();
    return true;
  }

  #open(): boolean {
    if (this.place.view === 'sessions' && this.list.selected !== null)
      this.openSession(this.list.selected);
    else if (this.place.view === 'tasks' && this.tasks.selected !== null)
      this.openTask(this.tasks.selected);
    else return false;
    return true;
  }

  #back(): boolean {
    if (this.overlay !== 'none') this.overlay = 'none';
    else if (this.place.view === 'task' || this.place.view === 'new_task')
      this.go({ view: 'tasks' });
    else if (this.place.view !== 'sessions') this.go({ view: 'sessions' });
    else if (this.list.filtered) this.list.clearFilter();
    else return false;
    return true;
  }

  /** Answers what the selected task asks, while its request is in sight. */
  #answerSubject(decision: Decision): boolean {
    const session = this.subject();
    if (session?.need?.can_answer === true && takesYesOrNo(session.need)) {
      this.answerSession(session.id, session.need.request_id, decision);
      return true;
    }
    const id = this.place.view === 'tasks' ? this.tasks.selected : this.#taskHere();
    const task = id === null ? undefined : this.tasks.row(id)?.task;
    if (task === undefined || !isAnswerable(task) || !isInSight(task)) return false;
    if (task.need !== null) this.answer(task.task_id, task.need.request_id, decision);
    return true;
  }

  #taskHere(): TaskId | null {
    return this.place.view === 'task' ? this.place.id : null;
  }

  #withSubject(act: (session: LiveSession) => void): boolean {
    const session = this.subject();
    if (session === null) return false;
    act(session);
    return true;
  }
}

/** A list that keys walk. */
interface Walkable {
  move(move: Move): unknown;
  nextNeed(): unknown;
}

function rowSelector(attribute: string, id: string | null): string | null {
  return id === null ? null : `.row[data-${attribute}="${CSS.escape(id)}"]`;
}

/** Returns whether the whole request of `task` is on the screen. */
function isInSight(task: Task): boolean {
  const element = document.querySelector(`[data-request-of="${CSS.escape(task.task_id)}"]`);
  const frame = element?.closest('.body');
  const box = element?.getBoundingClientRect();
  if (box === undefined || box.height === 0) return false;
  const above = frame?.querySelector('.group-head')?.getBoundingClientRect().height ?? 0;
  const top = (frame?.getBoundingClientRect().top ?? 0) + above;
  return box.top >= top - 1 && box.bottom <= innerHeight;
}

/** Gives components the desk they belong to. */
export const [useDesk, provideDesk] = createContext<Desk>();
