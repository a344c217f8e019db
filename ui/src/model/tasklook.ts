/** Says how each state of a task looks, and gives a task's names the words a person reads. */
import type { Confidence } from '../bindings/Confidence';
import type { FileChangeKind } from '../bindings/FileChangeKind';
import type { FileWitness } from '../bindings/FileWitness';
import type { Outcome } from '../bindings/Outcome';
import type { Sandbox } from '../bindings/Sandbox';
import type { Task } from '../bindings/Task';
import type { TaskEvidenceSource } from '../bindings/TaskEvidenceSource';
import type { TaskKind } from '../bindings/TaskKind';
import type { TestParser } from '../bindings/TestParser';
import type { Look } from './look';
import { unreachable } from './unreachable';

const SUCCEEDED: Look = { tone: 'done', glyph: 'done', word: 'Succeeded' };

/** Returns how `task` looks in its present state. */
export function taskLook(task: Pick<Task, 'status' | 'outcome'>): Look {
  switch (task.status) {
    case 'queued':
      return { tone: 'done', glyph: 'queued', word: 'Queued' };
    case 'running':
      return { tone: 'working', glyph: 'working', word: 'Running' };
    case 'input_required':
      return { tone: 'needs', glyph: 'needs', word: 'Needs you' };
    case 'completed':
      return task.outcome === null
        ? { ...SUCCEEDED, word: 'Completed' }
        : completedLook(task.outcome);
    case 'failed':
      return { tone: 'failed', glyph: 'failed', word: 'Failed' };
    case 'cancelled':
      return { tone: 'done', glyph: 'interrupted', word: 'Cancelled' };
    case 'timed_out':
      return { tone: 'failed', glyph: 'failed', word: 'Timed out' };
    case 'interrupted':
      return { tone: 'done', glyph: 'interrupted', word: 'Interrupted' };
    default:
      return unreachable(task.status);
  }
}

function completedLook(outcome: Outcome): Look {
  switch (outcome) {
    case 'succeeded':
      return SUCCEEDED;
    case 'no_changes':
      return { tone: 'done', glyph: 'closed', word: 'No changes' };
    case 'partial':
      return { tone: 'done', glyph: 'interrupted', word: 'Partly done' };
    case 'failed':
      return { tone: 'failed', glyph: 'failed', word: 'Failed' };
    case 'unknown':
      return { tone: 'unknown', glyph: 'unknown', word: 'Outcome unknown' };
    default:
      return unreachable(outcome);
  }
}

/** Returns what is left of a task that did not complete: empty where the status says it all. */
export function leftover(task: Pick<Task, 'status' | 'outcome'>): string {
  if (task.status === 'completed') return '';
  switch (task.outcome) {
    case 'partial':
      return 'some of it was done';
    case 'no_changes':
      return 'nothing was changed';
    case 'succeeded':
      return 'what was asked for was done';
    case 'failed':
    case 'unknown':
    case null:
      return '';
    default:
      return unreachable(task.outcome);
  }
}

/** Returns what the agent may do. */
export function sandboxName(sandbox: Sandbox): string {
  switch (sandbox) {
    case 'read-only':
      return 'read only';
    case 'workspace-write':
      return 'may write in its folder';
    case 'danger-full-access':
      return 'may do everything';
    default:
      return unreachable(sandbox);
  }
}

/** Returns what a task was started as. */
export function kindName(kind: TaskKind): string {
  switch (kind) {
    case 'run':
      return 'new thread';
    case 'resume':
      return 'follow-up in the same thread';
    case 'fork':
      return 'copy of a thread';
    case 'review':
      return 'review';
    case 'cloud':
      return 'task in the cloud';
    default:
      return unreachable(kind);
  }
}

/** Returns what happened to a file. */
export function changeName(kind: FileChangeKind): string {
  switch (kind) {
    case 'added':
      return 'Added';
    case 'updated':
      return 'Edited';
    case 'deleted':
      return 'Deleted';
    default:
      return unreachable(kind);
  }
}

/** Who says that a file changed, in a few words and as a sentence. */
export interface Witness {
  readonly says: string;
  readonly means: string;
  /** Whether agent and git agree. */
  readonly agreed: boolean;
}

/** Returns who says that a file changed. */
export function witness(by: FileWitness): Witness {
  switch (by) {
    case 'both':
      return { says: 'agent and git', means: 'Reported, and git shows it.', agreed: true };
    case 'agent_only':
      return {
        says: 'agent only',
        means: 'The agent reported it, git does not show it.',
        agreed: false,
      };
    case 'git_only':
      return {
        says: 'git only',
        means: 'Git shows it, the agent did not report it: a command did it, or somebody else.',
        agreed: false,
      };
    case 'unchecked':
      return {
        says: 'not checked',
        means: 'The agent reported it, git could not be asked.',
        agreed: false,
      };
    default:
      return unreachable(by);
  }
}

/** Returns the name of the runner whose output was read. */
export function parserName(parser: TestParser): string {
  switch (parser) {
    case 'cargo':
      return 'cargo test';
    case 'nextest':
      return 'cargo nextest';
    case 'pytest':
    case 'jest':
    case 'vitest':
    case 'mocha':
      return parser;
    case 'node_test':
      return 'node --test';
    case 'go_test':
      return 'go test';
    case 'tap':
      return 'TAP';
    case 'junit':
      return 'JUnit XML';
    default:
      return unreachable(parser);
  }
}

/** Returns what a confidence rests on. */
export function confidenceText(confidence: Confidence): string {
  switch (confidence) {
    case 'high':
      return 'confidence high';
    case 'medium':
      return 'confidence medium: its summary alone';
    case 'low':
      return 'confidence low: numbers may be incomplete';
    default:
      return unreachable(confidence);
  }
}

/** Returns the name of a source of evidence. */
export function taskEvidenceName(from: TaskEvidenceSource): string {
  switch (from) {
    case 'events':
      return 'Agent’s events';
    case 'exit':
      return 'Exit';
    case 'stderr':
      return 'Standard error';
    case 'command_output':
      return 'Command output';
    case 'git':
      return 'Git';
    case 'transcript':
      return 'Transcript';
    case 'cloud':
      return 'Cloud';
    case 'supervisor':
      return 'Supervisor';
    default:
      return unreachable(from);
  }
}
