/** Gives a person's answers to the requests they were meant for, and to no other. */
import type { SessionId } from '../bindings/SessionId';
import type { TaskId } from '../bindings/TaskId';
import type { Pace } from './pace';

/** A request that appeared just now was not what somebody was about to answer. */
export const ARM_MS = 300;

/** Whoever asks. */
type Asker = TaskId | SessionId;

/** Answers given, and requests on the screen. */
export class Answers {
  #given = $state.raw<ReadonlyMap<string, string>>(new Map());
  readonly #pace: Pick<Pace, 'now'>;
  readonly #shownAt = new Map<string, number>();

  constructor(pace: Pick<Pace, 'now'>) {
    this.#pace = pace;
  }

  /** Says that a request is on the screen with its full text; returns how to say that it left. */
  show(id: Asker, request: string): () => void {
    const key = keyOf(id, request);
    this.#shownAt.set(key, this.#pace.now());
    return () => {
      this.#shownAt.delete(key);
    };
  }

  /** Returns the answer that was given to a request, or null. */
  given(id: Asker, request: string): string | null {
    return this.#given.get(keyOf(id, request)) ?? null;
  }

  /** Returns whether a request can be answered now: seen long enough, and not answered yet. */
  isOpen(id: Asker, request: string): boolean {
    const shownAt = this.#shownAt.get(keyOf(id, request));
    return (
      shownAt !== undefined &&
      this.#pace.now() - shownAt >= ARM_MS &&
      this.given(id, request) === null
    );
  }

  /** Answers a request that is open; rejects when `send` does, for then it was not taken. */
  async give(id: Asker, request: string, answer: string, send: () => Promise<void>): Promise<void> {
    if (!this.isOpen(id, request)) return;
    const key = keyOf(id, request);
    this.#given = new Map(this.#given).set(key, answer);
    try {
      await send();
    } catch (error) {
      const given = new Map(this.#given);
      given.delete(key);
      this.#given = given;
      throw error;
    }
  }
}

function keyOf(id: Asker, request: string): string {
  return `${id} ${request}`;
}
