/** Remembers when the person last looked, to mark what is new since then. */
import type { LiveSession } from '../bindings/LiveSession';
import type { Task } from '../bindings/Task';
import { moment } from '../model/format';
import { recall, remember } from './memory';

const KEY = 'looked_at';

/** What the person has seen. */
export class Looked {
  #at = $state(moment(recall(KEY)) ?? Date.now());
  #opened = $state.raw<ReadonlyMap<string, string>>(new Map());

  /** Starts following the window's focus; returns how to stop. */
  start(): () => void {
    const leave = (): void => {
      this.#at = Date.now();
      remember(KEY, new Date(this.#at).toISOString());
    };
    window.addEventListener('blur', leave);
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('blur', leave);
      window.removeEventListener('pagehide', leave);
    };
  }

  /** Marks `session` as seen in its present state. */
  see(session: LiveSession): void {
    this.#mark(session.id, session.status_since);
  }

  /** Returns whether `session` ended a turn, or itself, since the person looked. */
  isNew(session: LiveSession): boolean {
    if (session.status !== 'paused' && session.status !== 'done') return false;
    return this.#isUnseen(session.id, session.status_since);
  }

  /** Marks `task` as seen with its result. */
  seeTask(task: Task): void {
    if (task.ended_at !== null) this.#mark(task.task_id, task.ended_at);
  }

  /** Returns whether `task` ended since the person looked. */
  isNewTask(task: Task): boolean {
    return task.ended_at !== null && this.#isUnseen(task.task_id, task.ended_at);
  }

  #mark(id: string, at: string): void {
    if (this.#opened.get(id) !== at) this.#opened = new Map(this.#opened).set(id, at);
  }

  #isUnseen(id: string, at: string): boolean {
    return this.#opened.get(id) !== at && (moment(at) ?? 0) > this.#at;
  }
}
