/** Reads the log of a task into lines with their times. */

/** One line of a log. */
export interface LogLine {
  /** Its number, from 0, which names it for ever. */
  readonly n: number;
  /** The local time of day, or empty where the line has none. */
  readonly time: string;
  /** What it is: `command`, `exit 1`; empty where the line does not say. */
  readonly kind: string;
  readonly text: string;
  readonly tone: 'plain' | 'said' | 'bad';
}

/** A log as far as it was read. */
export interface Log {
  readonly lines: readonly LogLine[];
  /** The beginning of a line whose end was not read yet. */
  readonly rest: string;
  /** How many lines were read, dropped ones included. */
  readonly n_read: number;
}

/** So many lines are kept; the file has them all. */
const KEPT_LINES = 5000;

const TIMED =
  /^\[?(?:\d{4}-\d\d-\d\d[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?|(\d\d:\d\d:\d\d)(?:\.\d+)?)\]?\s+(.*)$/;
const KIND =
  /^(plan|message|reasoning|command|exit -?\d+|edit|output|error|warning|stderr|tool|search|turn|task|agent|supervisor)(?::\s+|\t|\s{2,}|$)(.*)$/i;

/** Returns the log before anything was read. */
export function emptyLog(): Log {
  return { lines: [], rest: '', n_read: 0 };
}

/** Returns `log` with `text` read on. */
export function readOn(log: Log, text: string): Log {
  if (text === '') return log;
  const parts = (log.rest + text).split('\n');
  const rest = parts.pop() ?? '';
  const read = parts.map((part, index) => logLine(part.replace(/\r$/, ''), log.n_read + index));
  return {
    lines: [...log.lines, ...read].slice(-KEPT_LINES),
    rest,
    n_read: log.n_read + parts.length,
  };
}

/** Returns the lines of `log` with the unfinished one. */
export function linesOf(log: Log): readonly LogLine[] {
  return log.rest === '' ? log.lines : [...log.lines, logLine(log.rest, log.n_read)];
}

function logLine(line: string, n: number): LogLine {
  const timed = TIMED.exec(line);
  const body = timed?.[4] ?? line;
  const kinded = KIND.exec(body);
  const kind = kinded?.[1]?.toLowerCase() ?? '';
  return {
    n,
    time: timed === null ? '' : timeOf(line, timed),
    kind,
    text: kinded?.[2] ?? body,
    tone: toneOf(kind),
  };
}

function timeOf(line: string, timed: RegExpExecArray): string {
  const zone = timed[2];
  const clock = timed[1] ?? timed[3] ?? '';
  if (zone === undefined) return clock;
  const at = new Date(line.slice(line.startsWith('[') ? 1 : 0).split(/[\s\]]/, 1)[0] ?? '');
  return Number.isNaN(at.getTime()) ? clock : at.toTimeString().slice(0, 8);
}

function toneOf(kind: string): LogLine['tone'] {
  if (kind === 'error' || kind === 'stderr' || /^exit -?[1-9]/.test(kind)) return 'bad';
  return kind === 'message' ? 'said' : 'plain';
}
