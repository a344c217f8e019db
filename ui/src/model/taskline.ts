/** Says in one line what a task does, waits for or came to, and how far it is. */
import type { Task } from '../bindings/Task';
import { oneLine, type Line } from './describe';
import { coarse, counted, moment } from './format';
import { splitRequest } from './request';
import { unreachable } from './unreachable';

const line = (lead: string, text: string, code = false): Line => ({
  lead,
  loud: false,
  text: oneLine(text),
  code,
});

/** Returns the line of `task`. */
export function describeTask(task: Task): Line {
  switch (task.status) {
    case 'queued':
      return line('', queueText(task.queue_position));
    case 'running':
      return runningLine(task);
    case 'input_required': {
      const request = splitRequest(task.need?.summary ?? '');
      return { ...line(request.question, `${request.reason} ${request.command}`), loud: true };
    }
    case 'completed':
      return line('', task.summary === '' ? (task.final_message ?? '') : task.summary);
    case 'failed':
    case 'cancelled':
    case 'timed_out':
    case 'interrupted':
      return line('', task.error?.message ?? task.summary);
    default:
      return unreachable(task.status);
  }
}

function queueText(position: number | null): string {
  if (position === null) return 'Waits for its turn';
  return position <= 1 ? 'Next to start' : `${counted(position - 1, 'task')} ahead`;
}

function runningLine(task: Task): Line {
  const current = task.progress.current ?? '';
  switch (task.phase) {
    case 'running_command':
      return current === '' ? line('', 'Runs a command') : line('Running', current, true);
    case 'editing':
      return current === '' ? line('', 'Edits files') : line('Editing', current, true);
    case 'calling_tool':
      return current === '' ? line('', 'Uses a tool') : line('Using', current, true);
    case 'starting':
      return line('', current === '' ? 'Starting' : current);
    case 'thinking':
      return current === '' ? line('', 'Thinking') : line('Thinking:', current);
    case 'finalizing':
      return line('', current === '' ? 'Answered, about to end' : current);
    case null:
      return line('', current === '' ? 'Running' : current);
    default:
      return unreachable(task.phase);
  }
}

/** How far a task is in the plan of its own agent. */
export interface Plan {
  readonly done: number;
  readonly total: number;
  readonly percent: number;
}

/** Returns the plan of `task`, or null without one: nothing is estimated. */
export function planOf({ progress }: Pick<Task, 'progress'>): Plan | null {
  if (progress.percent === null || progress.total === 0) return null;
  return { done: progress.done, total: progress.total, percent: Math.min(100, progress.percent) };
}

/** Returns how long `task` has been running at `now`, or null before it started. */
export function runTime(task: Task, now: number): number | null {
  const started = moment(task.started_at);
  if (started === null) return null;
  return task.ended_at === null ? Math.max(0, now - started) : task.elapsed_ms;
}

/** Returns the last part of the folder `task` works in. */
export function projectOf(task: Pick<Task, 'cwd'>): string {
  return task.cwd.split(/[/\\]/).findLast((part) => part !== '') ?? task.cwd;
}

/** Returns what came of an ended task in numbers, what matters most first. */
export function countsOf(task: Task): string[] {
  const passed = task.tests.reduce((sum, report) => sum + report.passed, 0);
  const failed = task.tests.reduce((sum, report) => sum + report.failed, 0);
  return [
    failed === 0 ? '' : `${counted(failed, 'test')} failed`,
    task.files.length === 0 ? '' : counted(task.files.length, 'file'),
    passed === 0 || failed > 0 ? '' : `${counted(passed, 'test')} passed`,
  ].filter((part) => part !== '');
}

/** Returns since when a task that runs was last heard of, where that is worth a remark. */
export function quietText(task: Task, now: number): string {
  const last = moment(task.updated_at);
  if (task.status !== 'running' || last === null || now - last < QUIET_MS) return '';
  return `quiet ${coarse(now - last)}`;
}

/** A supervisor writes at least every 30 s; so long without a word is told. */
const QUIET_MS = 120_000;

/** Returns whether nothing can follow. */
export function isOver(task: Pick<Task, 'status'>): boolean {
  switch (task.status) {
    case 'queued':
    case 'running':
    case 'input_required':
      return false;
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'timed_out':
    case 'interrupted':
      return true;
    default:
      return unreachable(task.status);
  }
}
