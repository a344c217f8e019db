/** Makes tasks for tests: a plain running one, changed where the test says so. */
import type { Need } from '../bindings/Need';
import type { Task } from '../bindings/Task';
import { before } from './sessions';

/** Returns a task called `name`. */
export function aTask(name: string, change: Partial<Task> = {}): Task {
  return {
    task_id: name,
    thread_id: null,
    turn_id: null,
    session_id: null,
    kind: 'run',
    title: name,
    cwd: '/src/harbour',
    sandbox: 'read-only',
    model: null,
    cloud: null,
    group_id: null,
    tags: [],
    status: 'running',
    outcome: null,
    phase: 'thinking',
    progress: { done: 0, total: 0, percent: null, current: null },
    need: null,
    queue_position: null,
    created_at: before(70),
    started_at: before(60),
    updated_at: before(1),
    ended_at: null,
    elapsed_ms: 60_000,
    poll_after_ms: 1000,
    summary: '',
    final_message: null,
    files: [],
    commands: [],
    tests: [],
    usage: null,
    git: null,
    warnings: [],
    error: null,
    truncated: {},
    links: [],
    next: [],
    evidence: [],
    ...change,
  };
}

/** Returns a request called `id`. */
export function aNeed(id: string, change: Partial<Need> = {}): Need {
  return {
    kind: 'approval',
    summary: 'Run this?\nls',
    request_id: id,
    can_answer: true,
    choices: [],
    ...change,
  };
}
