/** Gives a person's answers to the requests they were meant for, and to no other. */
import type { TaskId } from '../bindings/TaskId';
import type { Decision, Host } from '../host/host';
import type { Pace } from './pace';

/** A request that appeared just now was not what somebody was about to answer. */
export const ARM_MS = 300;

/** Answers given, and requests on the screen. */
export class Answers {
  #given = $state.raw<ReadonlyMap<string, Decision>>(new Map());
  readonly #host: Host;
  readonly #pace: Pick<Pace, 'now'>;
  readonly #shownAt = new Map<string, number>();

  constructor(host: Host, pace: Pick<Pace, 'now'>) {
    this.#host = host;
    this.#pace = pace;
  }

  /** Says that a request is on the screen with its full text; returns how to say that it left. */
  show(id: TaskId, request: string): () => void {
    const key = keyOf(id, request);
    this.#shownAt.set(key, this.#pace.now());
    return () => {
      this.#shownAt.delete(key);
    };
  }

  /** Returns the answer that was given to a request, or null. */
  given(id: TaskId, request: string): Decision | null {
    return this.#given.get(keyOf(id, request)) ?? null;
  }

  /** Returns whether a request can be answered now: seen long enough, and not answered yet. */
  isOpen(id: TaskId, request: string): boolean {
    const shownAt = this.#shownAt.get(keyOf(id, request));
    return (
      shownAt !== undefined &&
      this.#pace.now() - shownAt >= ARM_MS &&
      this.given(id, request) === null
    );
  }

  /** Answers a request that is open; rejects when the answer was not taken. */
  async give(id: TaskId, request: string, decision: Decision): Promise<void> {
    if (!this.isOpen(id, request)) return;
    const key = keyOf(id, request);
    this.#given = new Map(this.#given).set(key, decision);
    try {
      await this.#host.answerTask(id, request, decision);
    } catch (error) {
      const given = new Map(this.#given);
      given.delete(key);
      this.#given = given;
      throw error;
    }
  }
}

function keyOf(id: TaskId, request: string): string {
  return `${id} ${request}`;
}
