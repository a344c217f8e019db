/** Plays what a person can do with the tasks of the recording. */
import type { EventBody } from '../bindings/EventBody';
import type { Problem } from '../bindings/Problem';
import type { Task } from '../bindings/Task';
import type { TaskId } from '../bindings/TaskId';
import type { TaskRequest } from '../bindings/TaskRequest';
import { emptyDraft, requestOf } from '../model/draft';
import { isOver } from '../model/taskline';
import type { Decision, LogPart } from './host';
import { recordAt } from './recorded-sessions';
import { asked, recordedLog, recordedTasks, taskIdOf } from './recorded-tasks';

const REFUSED: Problem = {
  code: 'codex_not_installed',
  title: 'The task was not started.',
  detail: '`codex` is not installed.',
  hint: 'Install it, or name its path in the settings.',
};

/** So long the recording takes for an answer. */
const WORK_MS = 900;
const FIRST_LINES = 22;

/** The tasks of the recording, and what becomes of them. */
export class RecordedDesk {
  tasks: Task[];
  emit: (body: EventBody) => void = () => undefined;
  readonly #refuses: boolean;
  readonly #startedAt = Date.now();
  #n = 40;

  constructor(scene: string) {
    this.#refuses = scene === 'refuse';
    recordAt(this.#startedAt);
    this.tasks = scene === 'none' ? [] : recordedTasks();
  }

  log(id: TaskId, cursor: string | null): LogPart {
    const task = this.tasks.find((one) => one.task_id === id);
    if (task?.started_at === null) return { text: '', cursor: '0', reset: cursor === null };
    const grown = Math.floor((Date.now() - this.#startedAt) / 1500);
    const end = FIRST_LINES + (task === undefined || isOver(task) ? 0 : grown);
    const from = cursor === null ? 0 : Number(cursor);
    return { text: recordedLog(from, end), cursor: String(end), reset: cursor === null };
  }

  start(request: TaskRequest): Promise<TaskId> {
    return this.#try(() => {
      this.#n += 1;
      const task = asked(request, this.#n);
      setTimeout(() => {
        this.tasks.push(task);
        this.emit({ event: 'task_updated', task });
      }, WORK_MS);
      return taskIdOf(this.#n);
    });
  }

  reply(id: TaskId, text: string): Promise<TaskId> {
    const cwd = this.tasks.find((one) => one.task_id === id)?.cwd ?? '/';
    return this.start(requestOf({ ...emptyDraft(), prompt: text, cwd }));
  }

  cancel(id: TaskId): Promise<void> {
    return this.#try(() => {
      const ended_at = new Date().toISOString();
      this.#later(id, { status: 'cancelled', outcome: 'no_changes', ended_at, need: null });
    });
  }

  answer(id: TaskId, decision: Decision): Promise<void> {
    return this.#try(() => {
      const now = new Date().toISOString();
      if (decision === 'accept')
        this.#later(id, { status: 'running', phase: 'starting', started_at: now, need: null });
      else this.#later(id, { status: 'cancelled', ended_at: now, need: null });
    });
  }

  #later(id: TaskId, change: Partial<Task>): void {
    setTimeout(() => {
      const at = this.tasks.findIndex((one) => one.task_id === id);
      const before = this.tasks[at];
      if (before === undefined) return;
      const task = { ...before, queue_position: null, ...change };
      this.tasks[at] = task;
      this.emit({ event: 'task_updated', task });
    }, WORK_MS);
  }

  #try<T>(work: () => T): Promise<T> {
    return this.#refuses
      ? Promise.reject(Object.assign(new Error(REFUSED.title), REFUSED))
      : Promise.resolve(work());
  }
}
