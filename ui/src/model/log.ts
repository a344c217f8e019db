/** Reads the log of a task into lines with their times. */
import { clockTimeExact } from './format';

type Tone = 'plain' | 'said' | 'quiet' | 'bad';

/** One line of a log. */
export interface LogLine {
  /** Its number, from 0, which names it for ever. */
  readonly n: number;
  /** The local time of day, or empty where the line has none. */
  readonly time: string;
  /** What it is: `command`, `exit 1`; empty where the line does not say. */
  readonly kind: string;
  readonly text: string;
  readonly tone: Tone;
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

/** A line is the time, who did it, and what was done. */
const TIMED = /^(\d{4}-\d\d-\d\dT\S+)\s+(agent|task)\s+(.*)$/;
const RAN = /^Ran(?: with code (-?\d+))?, (\d+ B of output): (.*)$/;

/** The words a line of the agent begins with, and how the line is shown. */
const VERBS: ReadonlyMap<string, readonly [kind: string, tone: Tone]> = new Map([
  ['Says', ['message', 'said']],
  ['Thinks', ['thought', 'quiet']],
  ['Runs', ['command', 'plain']],
  ['Was not allowed to run', ['declined', 'bad']],
  ['Changes', ['edit', 'plain']],
  ['Changed', ['edited', 'plain']],
  ['Could not change', ['edit', 'bad']],
  ['Calls', ['tool', 'plain']],
  ['Called', ['tool', 'quiet']],
  ['Could not call', ['tool', 'bad']],
  ['Plan', ['plan', 'plain']],
  ['Warns', ['warning', 'plain']],
  ['Tries again', ['retry', 'plain']],
  ['Error', ['error', 'bad']],
  ['Turn failed', ['failed', 'bad']],
]);

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
  const [, at, who, says] = TIMED.exec(line) ?? [];
  if (at === undefined || says === undefined)
    return { n, time: '', kind: '', text: line, tone: 'quiet' };
  const time = timeOf(at);
  return who === 'task'
    ? { n, time, kind: 'task', text: says, tone: 'quiet' }
    : { n, time, ...agentLine(says) };
}

function agentLine(says: string): Pick<LogLine, 'kind' | 'text' | 'tone'> {
  const [, code, output, script] = RAN.exec(says) ?? [];
  if (script !== undefined) {
    const failed = code !== undefined && code !== '0';
    return {
      kind: code === undefined ? 'ended' : `exit ${code}`,
      text: `${script} · ${output ?? ''}`,
      tone: failed ? 'bad' : 'quiet',
    };
  }
  const colon = says.indexOf(': ');
  const verb = colon === -1 ? undefined : VERBS.get(says.slice(0, colon));
  if (verb === undefined) return { kind: 'agent', text: says, tone: 'quiet' };
  return { kind: verb[0], text: says.slice(colon + 2), tone: verb[1] };
}

function timeOf(at: string): string {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? at : clockTimeExact(ms);
}
