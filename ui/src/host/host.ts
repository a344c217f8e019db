/** What the window asks of the program behind it, whoever that is. */
import type { Aim } from '../bindings/Aim';
import type { Event } from '../bindings/Event';
import type { HealthReport } from '../bindings/HealthReport';
import type { Problem } from '../bindings/Problem';
import type { Quiet } from '../bindings/Quiet';
import type { Sent } from '../bindings/Sent';
import type { SessionId } from '../bindings/SessionId';
import type { TaskId } from '../bindings/TaskId';
import type { TaskRequest } from '../bindings/TaskRequest';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import type { TurnId } from '../bindings/TurnId';
import type { Place } from '../model/place';

/** A running subscription. */
export interface Subscription {
  /** Settles when the program accepted the subscription, or rejects with its problem. */
  readonly accepted: Promise<void>;
  /** Drops it: no event arrives afterwards. */
  drop(): void;
}

/** A part of a task's log. */
export interface LogPart {
  readonly text: string;
  /** Where the next part begins. */
  readonly cursor: string;
  /** Whether this part begins anew: what was read before does not hold any more. */
  readonly reset: boolean;
}

/** A terminal that could not be reached, and what to run in one instead. */
export interface Unreached {
  readonly command: string | null;
  readonly problem: Problem;
}

/** What a person wishes of a session's notifications: none for an hour, none, or all. */
export type QuietWish = 'snooze' | 'mute' | 'loud';

/** What a person decides about a request. */
export type Decision = 'accept' | 'decline';

/** The program behind the window. Every promise rejects with what `problemFrom` understands. */
export interface Host {
  subscribe(listen: (event: Event) => void): Subscription;
  transcript(id: SessionId, cursor: string | null): Promise<TranscriptPage>;
  health(): Promise<HealthReport>;
  problems(): Promise<Problem[]>;
  onProblems(listen: (problems: Problem[]) => void): Promise<void>;
  onNavigate(listen: (place: Place) => void): Promise<void>;
  initialRoute(): Promise<Place | null>;
  openFolder(id: SessionId): Promise<void>;
  /** Goes to a session's terminal; resolves with what to do instead where that is not possible. */
  openTerminal(id: SessionId): Promise<Unreached | null>;
  /** Ends the process that owns a session; resolves with what is worth knowing beside that. */
  stopSession(id: SessionId): Promise<Problem | null>;
  /** Interrupts a turn of a session, if that turn still runs. */
  interruptSession(id: SessionId, turn: TurnId): Promise<void>;
  /** Sends a message to a session, where it is aimed or nowhere; resolves with where it went. */
  tellSession(id: SessionId, text: string, aim: Aim): Promise<Sent>;
  /** Returns for how long a session's notifications are off; null when they are not. */
  sessionQuiet(id: SessionId): Promise<Quiet | null>;
  setSessionQuiet(id: SessionId, wish: QuietWish): Promise<Quiet | null>;
  playDemo(): Promise<void>;
  taskLog(id: TaskId, cursor: string | null): Promise<LogPart>;
  startTask(request: TaskRequest): Promise<TaskId>;
  cancelTask(id: TaskId): Promise<void>;
  replyTask(id: TaskId, text: string): Promise<TaskId>;
  answerTask(id: TaskId, request: string, decision: Decision): Promise<void>;
  /** Gives a session's agent `accept`, `decline`, one of its choices, or words. */
  answerSession(id: SessionId, request: string, answer: string): Promise<void>;
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
