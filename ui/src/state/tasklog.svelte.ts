/** Reads one task's log and reads on when the task changes. */
import type { Problem } from '../bindings/Problem';
import type { TaskId } from '../bindings/TaskId';
import { problemFrom, type Host } from '../host/host';
import { emptyLog, readOn, type Log } from '../model/log';

/** The log of one task, at most one request in flight. */
export class TaskLog {
  log = $state.raw<Log>(emptyLog());
  reading = $state<'reading' | 'read' | 'failed'>('reading');
  problem = $state.raw<Problem | null>(null);

  readonly #host: Host;
  readonly #id: TaskId;
  #cursor: string | null = null;
  #busy = false;
  #again = false;
  #closed = false;

  constructor(host: Host, id: TaskId) {
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
        const part = await this.#host.taskLog(this.#id, this.#cursor);
        if (this.#isClosed()) return;
        this.#cursor = part.cursor;
        this.log = readOn(part.reset ? emptyLog() : this.log, part.text);
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
