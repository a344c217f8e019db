/** Words one step of an agent's work in one line. */
import type { FileChange } from '../bindings/FileChange';
import type { ItemStatus } from '../bindings/ItemStatus';
import { oneLine } from './describe';
import { counted, took } from './format';
import type { GlyphName, Tone } from './look';
import { below, type EntryOf, type Step } from './timeline';
import { unreachable } from './unreachable';

/** The line of a step. */
export interface StepLine {
  readonly lead: string;
  readonly text: string;
  readonly code: boolean;
  readonly added: { readonly plus: number; readonly minus: number } | null;
  readonly duration: string;
  readonly tone: Tone;
  readonly glyph: GlyphName | null;
  readonly outcome: string;
  /** Whether there is more to see. */
  readonly opens: boolean;
}

/** Diffs longer than this stay folded until somebody asks. */
const OPEN_DIFF_LINES = 60;

type Outcome = Pick<StepLine, 'tone' | 'glyph' | 'outcome'>;

function outcomeOf(status: ItemStatus, words: { failed: string; completed: string }): Outcome {
  switch (status) {
    case 'running':
      return { tone: 'working', glyph: 'working', outcome: 'running' };
    case 'completed':
      return { tone: 'done', glyph: 'done', outcome: words.completed };
    case 'failed':
      return { tone: 'failed', glyph: 'failed', outcome: words.failed };
    case 'declined':
      return { tone: 'done', glyph: 'interrupted', outcome: 'declined' };
    default:
      return unreachable(status);
  }
}

/**
 * Returns the line of `step`, with paths below the folder `cwd` shortened. When the work is `over`,
 * a step without an end had none.
 */
export function describeStep(step: Step, cwd: string | null, over = false): StepLine {
  const line = lineOf(step, cwd);
  return over && line.glyph === 'working'
    ? { ...line, tone: 'done', glyph: 'interrupted', outcome: 'did not end' }
    : line;
}

function lineOf(step: Step, cwd: string | null): StepLine {
  switch (step.type) {
    case 'command':
      return commandLine(step);
    case 'file_changes':
      return changesLine(step, cwd);
    case 'tool_call':
      return {
        lead: 'Tool',
        text: oneLine(`${step.name} ${step.input}`),
        code: true,
        added: null,
        duration: '',
        ...outcomeOf(step.status, { failed: 'failed', completed: '' }),
        opens: step.input !== '' || step.output !== '',
      };
    case 'web_search':
      return { ...bare('Searched the web', step.query), opens: false };
    case 'reasoning':
      return { ...bare('Thought', oneLine(step.text)), opens: step.text.length > 80 };
    case 'sub_agent':
      return {
        ...bare('Sub-agent', oneLine(step.text)),
        ...outcomeOf(step.status, { failed: 'failed', completed: 'finished' }),
        opens: step.text.length > 60,
      };
    default:
      return unreachable(step);
  }
}

function bare(lead: string, text: string): StepLine {
  return {
    lead,
    text,
    code: false,
    added: null,
    duration: '',
    tone: 'done',
    glyph: null,
    outcome: '',
    opens: true,
  };
}

function commandLine(step: EntryOf<'command'>): StepLine {
  const code = step.exit_code;
  const failed = code === null ? 'failed' : `exit ${code}`;
  const status =
    step.status === 'completed' && code !== null && code !== 0 ? 'failed' : step.status;
  return {
    lead: '',
    text: step.command,
    code: true,
    added: null,
    duration: step.duration_ms === null ? '' : took(step.duration_ms),
    ...outcomeOf(status, { failed, completed: code === null ? '' : `exit ${code}` }),
    opens: step.output !== '' || step.command.length > 60,
  };
}

function changesLine(step: EntryOf<'file_changes'>, cwd: string | null): StepLine {
  const [only] = step.changes;
  const single = step.changes.length === 1 && only !== undefined;
  const good = step.status === 'completed';
  return {
    lead: single ? verb(only) : 'Changed',
    text: single
      ? fileName(only, cwd)
      : `${counted(step.changes.length, 'file')}: ${step.changes.map((change) => fileName(change, cwd)).join(', ')}`,
    code: true,
    added: {
      plus: step.changes.reduce((sum, change) => sum + change.n_added, 0),
      minus: step.changes.reduce((sum, change) => sum + change.n_removed, 0),
    },
    duration: '',
    ...(good
      ? { tone: 'done', glyph: null, outcome: '' }
      : outcomeOf(step.status, { failed: 'failed', completed: '' })),
    opens: step.changes.some((change) => change.diff !== '' || step.changes.length > 1),
  };
}

function verb(change: FileChange): string {
  if (change.moved_to !== null) return 'Moved';
  switch (change.kind) {
    case 'added':
      return 'Added';
    case 'updated':
      return 'Edited';
    case 'deleted':
      return 'Deleted';
    default:
      return unreachable(change.kind);
  }
}

function fileName(change: FileChange, cwd: string | null): string {
  const from = below(change.path, cwd);
  return change.moved_to === null ? from : `${from} → ${below(change.moved_to, cwd)}`;
}

/** Returns whether a step of the last turn is shown open: failures and short diffs. */
export function opensByItself(step: Step): boolean {
  switch (step.type) {
    case 'command':
      return step.output !== '' && (step.status === 'failed' || (step.exit_code ?? 0) !== 0);
    case 'file_changes': {
      const lines = step.changes.reduce((sum, change) => sum + change.diff.split('\n').length, 0);
      return step.changes.some((change) => change.diff !== '') && lines <= OPEN_DIFF_LINES;
    }
    case 'tool_call':
      return step.status === 'failed';
    case 'sub_agent':
      return step.text.length > 60;
    case 'reasoning':
    case 'web_search':
      return false;
    default:
      return unreachable(step);
  }
}

/** A stretch of output, and whether it tells of a failure. */
export interface OutputPart {
  readonly text: string;
  readonly bad: boolean;
}

const BAD = /\bFAILED\b|\bpanicked\b|^\s*(?:error|fatal|E )\b/;

/** Returns the output of a command; in one that failed, the lines that say so stand apart. */
export function outputLines(step: EntryOf<'command'>): OutputPart[] {
  if (step.output === '') return [];
  const failed = step.status === 'failed' || (step.exit_code ?? 0) !== 0;
  if (!failed) return [{ text: step.output, bad: false }];
  const parts: { text: string; bad: boolean }[] = [];
  for (const line of step.output.split('\n')) {
    const bad = BAD.test(line);
    const last = parts.at(-1);
    if (last?.bad === bad) last.text += `\n${line}`;
    else parts.push({ text: line, bad });
  }
  return parts;
}
