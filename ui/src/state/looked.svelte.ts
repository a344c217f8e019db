/** Remembers when the person last looked, to mark what is new since then. */
import type { LiveSession } from '../bindings/LiveSession';
import type { SessionId } from '../bindings/SessionId';
import { moment } from '../model/format';
import { recall, remember } from './memory';

const KEY = 'looked_at';

/** What the person has seen. */
export class Looked {
  #at = $state(moment(recall(KEY)) ?? Date.now());
  #opened = $state.raw<ReadonlyMap<SessionId, string>>(new Map());

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
    if (this.#opened.get(session.id) === session.status_since) return;
    this.#opened = new Map(this.#opened).set(session.id, session.status_since);
  }

  /** Returns whether `session` ended a turn, or itself, since the person looked. */
  isNew(session: LiveSession): boolean {
    if (session.status !== 'paused' && session.status !== 'done') return false;
    if (this.#opened.get(session.id) === session.status_since) return false;
    return (moment(session.status_since) ?? 0) > this.#at;
  }
}
