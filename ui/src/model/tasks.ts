/** Puts tasks into groups, in an order that no update can shake. */
import type { Need } from '../bindings/Need';
import type { Task } from '../bindings/Task';
import { moment } from './format';
import { isOver } from './taskline';
import { unreachable } from './unreachable';

/** The groups in the order they are shown. */
const GROUPS = ['waiting', 'running', 'queued', 'ended'] as const;

/** Names a group of tasks. */
export type TaskGroupName = (typeof GROUPS)[number];

/** Something that holds a task. */
export interface TaskMember {
  readonly task: Task;
}

/** A task at its place. */
interface TaskPlacement<M extends TaskMember> {
  readonly member: M;
  /** What it asked when it was placed, so that the row keeps its height when the answer came. */
  readonly asked: Need | null;
}

/** One group. */
export interface TaskGroup<M extends TaskMember> {
  readonly name: TaskGroupName;
  readonly placements: readonly TaskPlacement<M>[];
}

/** How many tasks stand where. */
export type TaskCounts = Readonly<Record<TaskGroupName, number>>;

/** Returns the group of `task`. */
function groupOf(task: Pick<Task, 'status'>): TaskGroupName {
  switch (task.status) {
    case 'input_required':
      return 'waiting';
    case 'running':
      return 'running';
    case 'queued':
      return 'queued';
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'timed_out':
    case 'interrupted':
      return 'ended';
    default:
      return unreachable(task.status);
  }
}

/** Returns what decides a task's place; as long as it stays equal, the row stays where it is. */
export function taskPlaceKey(task: Task): string {
  return [task.status, task.queue_position ?? '', task.need?.request_id ?? ''].join('|');
}

/** Returns the groups that have members; placements of `before` that did not change are kept. */
export function arrangeTasks<M extends TaskMember>(
  members: Iterable<M>,
  before: readonly TaskGroup<M>[],
): TaskGroup<M>[] {
  const kept = new Map(
    before.flatMap((group) => group.placements).map((place) => [place.member, place]),
  );
  const all = [...members];
  return GROUPS.flatMap((name) => {
    const placements = all
      .filter((member) => groupOf(member.task) === name)
      .sort((a, b) => byPlace(name, a.task, b.task))
      .map((member) => {
        const asked = member.task.need;
        const old = kept.get(member);
        return old !== undefined && old.asked?.request_id === asked?.request_id
          ? old
          : { member, asked };
      });
    return placements.length === 0 ? [] : [{ name, placements }];
  });
}

function byPlace(group: TaskGroupName, a: Task, b: Task): number {
  return orderOf(group, a) - orderOf(group, b) || (a.task_id < b.task_id ? -1 : 1);
}

function orderOf(group: TaskGroupName, task: Task): number {
  const created = moment(task.created_at) ?? 0;
  switch (group) {
    case 'waiting':
      return moment(task.started_at) ?? created;
    case 'running':
      return -(moment(task.started_at) ?? created);
    case 'queued':
      return task.queue_position ?? Number.MAX_SAFE_INTEGER;
    case 'ended':
      return -(moment(task.ended_at) ?? created);
    default:
      return unreachable(group);
  }
}

/** Counts `members` by group. */
export function countTasks(members: Iterable<TaskMember>): TaskCounts {
  const counts = { waiting: 0, running: 0, queued: 0, ended: 0 };
  for (const { task } of members) counts[groupOf(task)] += 1;
  return counts;
}

/** Returns the counts in words: `1 running · 4 ended`. */
export function countsText(counts: TaskCounts): string {
  const words = {
    waiting: 'waiting for you',
    running: 'running',
    queued: 'queued',
    ended: 'ended',
  };
  return GROUPS.filter((name) => counts[name] > 0)
    .map((name) => `${counts[name]} ${words[name]}`)
    .join(' · ');
}

/** Returns whether `task` asks something that can be answered here with yes or no. */
export function isAnswerable(task: Task): boolean {
  const need = task.need;
  if (need === null || isOver(task) || !need.can_answer) return false;
  switch (need.kind) {
    case 'approval':
    case 'plan':
      return true;
    case 'question':
    case 'elicitation':
      return false;
    default:
      return unreachable(need.kind);
  }
}
