/** Merges a session's transcript and folds it into blocks to read. */
import type { Entry } from '../bindings/Entry';
import type { FileChange } from '../bindings/FileChange';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import { unreachable } from './unreachable';

/** An entry of one type. */
export type EntryOf<T extends Entry['type']> = Extract<Entry, { type: T }>;

/** An entry that is drawn as a step of work. */
export type Step = EntryOf<
  'reasoning' | 'command' | 'file_changes' | 'tool_call' | 'web_search' | 'sub_agent'
>;

/** Everything read so far. */
export interface Timeline {
  readonly entries: readonly Entry[];
  readonly truncated: boolean;
  readonly skipped_lines: number;
}

/** One thing to draw. */
export type Block =
  | {
      readonly kind: 'turn';
      readonly key: string;
      readonly number: number;
      readonly entry: EntryOf<'turn_started'>;
    }
  | { readonly kind: 'prompt'; readonly key: string; readonly entry: EntryOf<'prompt'> }
  | {
      readonly kind: 'message';
      readonly key: string;
      readonly entry: EntryOf<'message'>;
      readonly first: boolean;
    }
  | { readonly kind: 'steps'; readonly key: string; readonly items: readonly StepItem[] }
  | { readonly kind: 'compacted'; readonly key: string }
  | { readonly kind: 'end'; readonly key: string; readonly entry: EntryOf<'turn_ended'> };

/** A step, or several commands that went well, told as one. */
export type StepItem =
  | { readonly kind: 'step'; readonly key: string; readonly step: Step }
  | {
      readonly kind: 'run';
      readonly key: string;
      readonly commands: readonly EntryOf<'command'>[];
    };

/** So many commands in a row are told as one. */
const RUN_LENGTH = 3;

/** Returns the timeline before anything was read. */
export function emptyTimeline(): Timeline {
  return { entries: [], truncated: false, skipped_lines: 0 };
}

/** Returns `timeline` with `page` merged in: a known key is replaced in its place. */
export function merge(timeline: Timeline, page: TranscriptPage): Timeline {
  const entries = page.reset ? [] : [...timeline.entries];
  const places = new Map(entries.map((entry, index) => [entry.key, index]));
  for (const entry of page.entries) {
    const index = places.get(entry.key);
    if (index === undefined) {
      places.set(entry.key, entries.length);
      entries.push(entry);
    } else {
      entries[index] = entry;
    }
  }
  return {
    entries,
    truncated: page.truncated || (!page.reset && timeline.truncated),
    skipped_lines: page.skipped_lines,
  };
}

/** Returns the blocks of `entries`. */
export function blocksOf(entries: readonly Entry[]): Block[] {
  const blocks: Block[] = [];
  let steps: Step[] = [];
  let turns = 0;
  let speaks = false;

  const flush = (): void => {
    const first = steps[0];
    if (first !== undefined)
      blocks.push({ kind: 'steps', key: `steps ${first.key}`, items: itemsOf(steps) });
    steps = [];
  };

  for (const entry of entries) {
    switch (entry.type) {
      case 'reasoning':
      case 'command':
      case 'file_changes':
      case 'tool_call':
      case 'web_search':
      case 'sub_agent':
        steps.push(entry);
        break;
      case 'turn_started':
        flush();
        turns += 1;
        speaks = false;
        blocks.push({ kind: 'turn', key: entry.key, number: turns, entry });
        break;
      case 'prompt':
        flush();
        speaks = false;
        blocks.push({ kind: 'prompt', key: entry.key, entry });
        break;
      case 'message':
        flush();
        blocks.push({ kind: 'message', key: entry.key, entry, first: !speaks });
        speaks = true;
        break;
      case 'compacted':
        flush();
        blocks.push({ kind: 'compacted', key: entry.key });
        break;
      case 'turn_ended':
        flush();
        blocks.push({ kind: 'end', key: entry.key, entry });
        break;
      default:
        return unreachable(entry);
    }
  }
  flush();
  return blocks;
}

function itemsOf(steps: readonly Step[]): StepItem[] {
  const items: StepItem[] = [];
  let run: EntryOf<'command'>[] = [];

  const flush = (): void => {
    const first = run[0];
    if (first !== undefined && run.length >= RUN_LENGTH) {
      items.push({ kind: 'run', key: `run ${first.key}`, commands: run });
    } else {
      for (const step of run) items.push({ kind: 'step', key: step.key, step });
    }
    run = [];
  };

  for (const step of steps) {
    if (step.type === 'command' && wentWell(step)) {
      run.push(step);
    } else {
      flush();
      items.push({ kind: 'step', key: step.key, step });
    }
  }
  flush();
  return items;
}

function wentWell(command: EntryOf<'command'>): boolean {
  return command.status === 'completed' && (command.exit_code ?? 0) === 0;
}

/** Returns the first words of some commands: `rg, sed, cargo check`. */
export function commandNames(commands: readonly EntryOf<'command'>[]): string {
  const names = new Set(commands.map((entry) => shortCommand(entry.command)));
  const shown = [...names].slice(0, 4).join(', ');
  return names.size > 4 ? `${shown} …` : shown;
}

const WITH_VERB = new Set([
  'cargo',
  'npm',
  'git',
  'go',
  'pnpm',
  'yarn',
  'make',
  'docker',
  'kubectl',
  'uv',
]);

function shortCommand(command: string): string {
  const inner =
    /^(?:\S*\/)?(?:ba|z|da)?sh\s+-l?c\s+['"]?(.+?)['"]?$/s.exec(command)?.[1] ?? command;
  const [program = '', verb] = inner.trim().split(/\s+/, 2);
  const name = program.split('/').at(-1) ?? program;
  return verb !== undefined && WITH_VERB.has(name) && /^[a-z-]+$/.test(verb)
    ? `${name} ${verb}`
    : name;
}

/** Lines added and removed in one file over a whole session. */
export interface ChangedFile {
  readonly path: string;
  readonly n_added: number;
  readonly n_removed: number;
}

/** Returns the files the session changed, in the order of their first change. */
export function changedFiles(entries: readonly Entry[]): ChangedFile[] {
  const files = new Map<string, ChangedFile>();
  for (const entry of entries) {
    if (entry.type !== 'file_changes' || entry.status === 'declined' || entry.status === 'failed')
      continue;
    for (const change of entry.changes) addChange(files, change);
  }
  return [...files.values()];
}

function addChange(files: Map<string, ChangedFile>, change: FileChange): void {
  const path = change.moved_to ?? change.path;
  const known = files.get(change.path) ?? files.get(path);
  if (path !== change.path) files.delete(change.path);
  files.set(path, {
    path,
    n_added: (known?.n_added ?? 0) + change.n_added,
    n_removed: (known?.n_removed ?? 0) + change.n_removed,
  });
}

/** Returns `path` below the folder `cwd`, or as it is. */
export function below(path: string, cwd: string | null): string {
  return cwd !== null && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}
