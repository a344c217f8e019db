/** Reads what grows part by part, from a cursor. */
import type { Problem } from '../bindings/Problem';
import { problemFrom } from '../host/host';

/** How far the reading came. */
export type Reading = 'reading' | 'read' | 'failed';

/** What is read in parts; each says where the next one begins. At most one request in flight. */
export abstract class Reader<Whole, Part extends { cursor: string }> {
  whole: Whole;
  reading = $state<Reading>('reading');
  problem = $state.raw<Problem | null>(null);

  #cursor: string | null = null;
  #busy = false;
  #again = false;
  #closed = false;

  constructor(empty: Whole) {
    this.whole = $state.raw(empty);
  }

  /** Asks for what comes after a cursor, or for the beginning. */
  protected abstract ask(cursor: string | null): Promise<Part>;

  /** Returns what was read with a part added. */
  protected abstract add(whole: Whole, part: Part): Whole;

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
        const part = await this.ask(this.#cursor);
        if (this.#isClosed()) return;
        this.#cursor = part.cursor;
        this.whole = this.add(this.whole, part);
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
