/** Reads one task's log and reads on when the task changes. */
import type { TaskId } from '../bindings/TaskId';
import type { Host, LogPart } from '../host/host';
import { emptyLog, readOn, type Log } from '../model/log';
import { Reader } from './reader.svelte';

/** The log of one task. */
export class TaskLog extends Reader<Log, LogPart> {
  readonly #host: Host;
  readonly #id: TaskId;

  constructor(host: Host, id: TaskId) {
    super(emptyLog());
    this.#host = host;
    this.#id = id;
  }

  get log(): Log {
    return this.whole;
  }

  protected ask(cursor: string | null): Promise<LogPart> {
    return this.#host.taskLog(this.#id, cursor);
  }

  protected add(log: Log, part: LogPart): Log {
    return readOn(part.reset ? emptyLog() : log, part.text);
  }
}
