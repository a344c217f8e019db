/** Makes sessions for tests: a plain working one, changed where the test says so. */
import type { LiveSession } from '../bindings/LiveSession';

/** The moment the tests play at. */
export const NOW = Date.parse('2026-11-20T12:00:00Z');

/** Returns the moment `seconds` before `NOW`. */
export function before(seconds: number): string {
  return new Date(NOW - seconds * 1000).toISOString();
}

/** Returns a session called `name`. */
export function aSession(name: string, change: Partial<LiveSession> = {}): LiveSession {
  const evidence: LiveSession['evidence'] = {
    from: 'transcript',
    at: before(10),
    says: 'turn started',
  };
  return {
    id: `codex:${name}`,
    source: 'codex',
    source_session_id: name,
    title: name,
    cwd: '/src/harbour',
    project: 'harbour',
    git_branch: 'main',
    model: 'model-1',
    client: 'tui',
    cli_version: null,
    status: 'working',
    status_since: before(60),
    freshness: 'fresh',
    need: null,
    activity: null,
    turn: null,
    last_turn: null,
    ended: null,
    last_prompt: null,
    last_message: null,
    started_at: null,
    last_event_at: null,
    tokens: {
      input: 0,
      cached_input: 0,
      output: 0,
      reasoning: 0,
      total: 0,
      context_used: null,
      context_window: null,
    },
    rate_limits: null,
    parent_id: null,
    helper: false,
    process: null,
    task_id: null,
    home: '/home/dev/.codex',
    transcript_path: null,
    skipped_lines: 0,
    resume_command: null,
    message_way: { type: 'queue' },
    can_interrupt: false,
    stop_way: 'none',
    evidence,
    evidence_trail: [evidence],
    ...change,
  };
}
