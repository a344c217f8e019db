/** Turns what a person wrote into the request of a task. */
import type { Isolation } from '../bindings/Isolation';
import type { Sandbox } from '../bindings/Sandbox';
import type { TaskRequest } from '../bindings/TaskRequest';

/** A task that is being written. */
export interface Draft {
  prompt: string;
  cwd: string;
  sandbox: Sandbox;
  model: string;
  isolation: Isolation;
}

/** Returns a draft that can do no harm. */
export function emptyDraft(): Draft {
  return { prompt: '', cwd: '', sandbox: 'read-only', model: '', isolation: 'none' };
}

/** Returns what is missing before the task can be started, as a sentence, or null. */
export function missingIn(draft: Draft): string | null {
  if (draft.prompt.trim() === '') return 'Say what should be done.';
  if (draft.cwd.trim() === '') return 'Choose the folder to work in.';
  return isAbsolute(draft.cwd.trim()) ? null : 'Write the whole path of the folder.';
}

function isAbsolute(path: string): boolean {
  return /^(\/|~(\/|$)|[a-z]:[\\/]|\\\\)/i.test(path);
}

/** Returns the request of `draft`; what nobody chose is left to the agent's own settings. */
export function requestOf(draft: Draft): TaskRequest {
  const model = draft.model.trim();
  return {
    prompt: draft.prompt.trim(),
    cwd: draft.cwd.trim(),
    sandbox: draft.sandbox,
    model: model === '' ? null : model,
    isolation: draft.isolation,
    effort: null,
    profile: null,
    config: {},
    add_dirs: [],
    images: [],
    output_schema: null,
    skip_git_repo_check: false,
    ephemeral: false,
    thread_id: null,
    resume: 'none',
    fork: false,
    review: null,
    env_policy: null,
    base_ref: null,
    keep_worktree: false,
    idle_timeout_seconds: null,
    hard_timeout_seconds: null,
    priority: 0,
    group_id: null,
    title: null,
    tags: [],
    idempotency_key: null,
    on_finish: 'signal',
    max_output_chars: null,
    expects_changes: null,
  };
}
