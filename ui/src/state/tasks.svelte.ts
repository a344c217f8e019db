/** Holds every delegated task as the stream tells it, and keeps rows at their places. */
import type { Task } from '../bindings/Task';
import type { TaskId } from '../bindings/TaskId';
import {
  arrangeTasks,
  countTasks,
  taskPlaceKey,
  type TaskCounts,
  type TaskGroup,
  type TaskMember,
} from '../model/tasks';
import type { Move } from './list.svelte';
import { Stillness, type Pace } from './pace';

/** One task; whoever reads it is told when it changes. */
export class TaskRow implements TaskMember {
  task: Task;

  constructor(task: Task) {
    this.task = $state.raw(task);
  }
}

/** All tasks, and the selected one. */
export class TaskBoard {
  groups = $state.raw<readonly TaskGroup<TaskRow>[]>([]);
  counts = $state.raw<TaskCounts>(countTasks([]));
  selected = $state<TaskId | null>(null);
  /** A task that was asked for here and of which nothing was heard yet. */
  expected = $state<TaskId | null>(null);

  readonly #stillness: Stillness;
  readonly #rows = new Map<TaskId, TaskRow>();
  #pending = new Map<TaskId, Task>();
  #snapshot: readonly Task[] | null = null;

  constructor(pace: Pace) {
    this.#stillness = new Stillness(pace, () => {
      this.groups = arrangeTasks(this.#rows.values(), this.groups);
    });
  }

  /** The rows in the order of reading, as the keys walk them. */
  readonly order: readonly TaskId[] = $derived(
    this.groups.flatMap((group) => group.placements.map((place) => place.member.task.task_id)),
  );

  /** The row the Tab key enters. */
  readonly entry: TaskId | null = $derived(
    this.selected !== null && this.order.includes(this.selected)
      ? this.selected
      : (this.order[0] ?? null),
  );

  /** Returns a task's row. */
  row(id: TaskId): TaskRow | undefined {
    return this.#rows.get(id);
  }

  /** Returns the tasks that wait for somebody. */
  waiting(): Task[] {
    return [...this.#rows.values()]
      .map((row) => row.task)
      .filter((task) => task.status === 'input_required');
  }

  /** Returns the folders tasks work in, the latest first. */
  folders(): string[] {
    const tasks = [...this.#rows.values()].map((row) => row.task);
    tasks.sort((a, b) => b.created_at.localeCompare(a.created_at));
    return [...new Set(tasks.map((task) => task.cwd))];
  }

  /** Keeps rows at their places a while longer: somebody is on the list. */
  touch(): void {
    this.#stillness.touch();
  }

  /** Lets rows move: nobody is on the list any more. */
  release(): void {
    this.#stillness.release();
  }

  /** Selects another row and returns it. */
  move(move: Move): TaskId | null {
    const at = this.selected === null ? -1 : this.order.indexOf(this.selected);
    const last = this.order.length - 1;
    const to = { next: Math.min(at + 1, last), previous: Math.max(at - 1, 0), first: 0, last };
    this.selected = this.order[to[move]] ?? null;
    return this.selected;
  }

  /** Selects the next row that needs somebody and returns it. */
  nextNeed(): TaskId | null {
    const needs = this.groups.find((group) => group.name === 'waiting')?.placements ?? [];
    const ids = needs.map((place) => place.member.task.task_id);
    const at = this.selected === null ? -1 : ids.indexOf(this.selected);
    this.selected = ids[(at + 1) % Math.max(1, ids.length)] ?? this.selected;
    return this.selected;
  }

  /** Takes in every task there is; drawn with the next flush. */
  hearAll(tasks: readonly Task[]): void {
    this.#snapshot = tasks;
    this.#pending = new Map();
  }

  /** Takes in one task; drawn with the next flush. */
  hear(task: Task): void {
    this.#pending.set(task.task_id, task);
  }

  /** Draws what was heard. */
  flush(): void {
    let moved = false;
    if (this.#snapshot !== null) {
      const known = new Set(this.#snapshot.map((task) => task.task_id));
      for (const id of [...this.#rows.keys()]) if (!known.has(id)) moved = this.#rows.delete(id);
      for (const task of this.#snapshot) moved = this.#take(task) || moved;
      this.#snapshot = null;
    }
    const pending = this.#pending;
    this.#pending = new Map();
    for (const task of pending.values()) moved = this.#take(task) || moved;
    if (!moved) return;
    this.counts = countTasks(this.#rows.values());
    this.#stillness.rearrangeWhenStill();
  }

  /** Returns whether the task's place changed. */
  #take(task: Task): boolean {
    if (this.expected === task.task_id) this.expected = null;
    const row = this.#rows.get(task.task_id);
    if (row === undefined) {
      this.#rows.set(task.task_id, new TaskRow(task));
      return true;
    }
    const before = row.task;
    row.task = task;
    return taskPlaceKey(before) !== taskPlaceKey(task);
  }
}
