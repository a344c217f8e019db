/** What the window asks of the program behind it, whoever that is. */
import type { Event } from '../bindings/Event';
import type { HealthReport } from '../bindings/HealthReport';
import type { Problem } from '../bindings/Problem';
import type { SessionId } from '../bindings/SessionId';
import type { TranscriptPage } from '../bindings/TranscriptPage';

/** A running subscription. */
export interface Subscription {
  /** Settles when the program accepted the subscription, or rejects with its problem. */
  readonly accepted: Promise<void>;
  /** Drops it: no event arrives afterwards. */
  drop(): void;
}

/** The program behind the window. Every promise rejects with what `problemFrom` understands. */
export interface Host {
  subscribe(listen: (event: Event) => void): Subscription;
  transcript(id: SessionId, cursor: string | null): Promise<TranscriptPage>;
  health(): Promise<HealthReport>;
  problems(): Promise<Problem[]>;
  onProblems(listen: (problems: Problem[]) => void): Promise<void>;
  onNavigate(listen: (id: SessionId) => void): Promise<void>;
  initialRoute(): Promise<SessionId | null>;
  openFolder(id: SessionId): Promise<void>;
  openTerminal(id: SessionId): Promise<void>;
  playDemo(): Promise<void>;
}

/** Returns what went wrong in words, whatever was thrown. */
export function problemFrom(thrown: unknown): Problem {
  if (
    typeof thrown === 'object' &&
    thrown !== null &&
    'title' in thrown &&
    typeof thrown.title === 'string'
  ) {
    return {
      code: textOf(thrown, 'code') ?? 'unknown',
      title: thrown.title,
      detail: textOf(thrown, 'detail'),
      hint: textOf(thrown, 'hint'),
    };
  }
  const detail =
    thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : null;
  return { code: 'internal', title: 'That did not work.', detail, hint: null };
}

function textOf(thrown: object, name: string): string | null {
  const value: unknown = Reflect.get(thrown, name);
  return typeof value === 'string' ? value : null;
}
