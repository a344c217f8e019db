/** Reads one session's transcript and reads on when the session changes. */
import type { Problem } from '../bindings/Problem';
import type { SessionId } from '../bindings/SessionId';
import { problemFrom, type Host } from '../host/host';
import { emptyTimeline, merge, type Timeline } from '../model/timeline';

/** How far the reading came. */
export type Reading = 'reading' | 'read' | 'failed';

/** The transcript of one session, at most one request in flight. */
export class Transcript {
  timeline = $state.raw<Timeline>(emptyTimeline());
  reading = $state<Reading>('reading');
  problem = $state.raw<Problem | null>(null);

  readonly #host: Host;
  readonly #id: SessionId;
  #cursor: string | null = null;
  #busy = false;
  #again = false;
  #closed = false;

  constructor(host: Host, id: SessionId) {
    this.#host = host;
    this.#id = id;
  }

  /** Reads on from the last cursor, now or right after the request in flight. */
  poke(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    void this.#read();
  }

  /** Ends the reading; a late answer is dropped. */
  close(): void {
    this.#closed = true;
  }

  async #read(): Promise<void> {
    this.#busy = true;
    do {
      this.#again = false;
      try {
        const page = await this.#host.transcript(this.#id, this.#cursor);
        if (this.#isClosed()) return;
        this.#cursor = page.cursor;
        this.timeline = merge(this.timeline, page);
        this.problem = null;
        this.reading = 'read';
      } catch (error) {
        if (this.#isClosed()) return;
        this.problem = problemFrom(error);
        this.reading = 'failed';
        this.#again = false;
      }
    } while (this.#again);
    this.#busy = false;
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}
