/** Gives every name that crosses from the core the words a person reads. */
import type { Client } from '../bindings/Client';
import type { EvidenceSource } from '../bindings/EvidenceSource';
import type { LiveSession } from '../bindings/LiveSession';
import type { Source } from '../bindings/Source';
import { unreachable } from './unreachable';

/** The agent that tasks are delegated to. */
export const DELEGATE: Source = 'codex';

/** The agents whose sessions are shown, for who has none running. */
export const ANY_AGENT = 'Codex or Claude Code';

/** Returns the agent's name. */
export function sourceName(source: Source): string {
  switch (source) {
    case 'codex':
      return 'Codex';
    case 'claude_code':
      return 'Claude Code';
    default:
      return unreachable(source);
  }
}

/** Returns what the session was started from, or null when that is not known. */
export function clientName(client: Client): string | null {
  switch (client) {
    case 'tui':
      return 'terminal';
    case 'exec':
      return 'one-shot';
    case 'ide':
      return 'editor';
    case 'app':
      return 'desktop app';
    case 'sdk':
      return 'library';
    case 'unknown':
      return null;
    default:
      return unreachable(client);
  }
}

/** Returns the name of a source of evidence. */
export function evidenceName(from: EvidenceSource): string {
  switch (from) {
    case 'live_protocol':
      return 'Live protocol';
    case 'registry':
      return 'Registry';
    case 'task':
      return 'Task';
    case 'hook':
      return 'Hook';
    case 'transcript':
      return 'Transcript';
    case 'writer_lock':
      return 'Writer lock';
    case 'process':
      return 'Process';
    default:
      return unreachable(from);
  }
}

/** Returns what a session is called; never empty. */
export function titleOf(
  session: Pick<LiveSession, 'title' | 'last_prompt' | 'project' | 'source_session_id'>,
): string {
  return (
    firstLine(session.title) ??
    firstLine(session.last_prompt) ??
    session.project ??
    session.source_session_id
  );
}

function firstLine(text: string | null): string | null {
  const line = text?.trim().split('\n', 1)[0];
  return line === undefined || line === '' ? null : line;
}
