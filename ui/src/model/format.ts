/** Writes times, durations and amounts as the window shows them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const WEEKDAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short' });
const DAY_OF_MONTH = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

const two = (n: number): string => String(n).padStart(2, '0');

/** Returns the moment `text` names in milliseconds, or null when it names none. */
export function moment(text: string | null): number | null {
  if (text === null) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Returns how long something runs: `48s`, `3m 12s`, `1h 05m`, `2d 3h`. */
export function elapsed(ms: number): string {
  const span = Math.max(0, ms);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < HOUR)
    return `${Math.floor(span / MINUTE)}m ${two(Math.floor((span % MINUTE) / SECOND))}s`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h ${two(Math.floor((span % HOUR) / MINUTE))}m`;
  return `${Math.floor(span / DAY)}d ${Math.floor((span % DAY) / HOUR)}h`;
}

/** Returns how long something lasts in its largest unit only: `48s`, `6m`, `1h`, `2d`. */
export function coarse(ms: number): string {
  const span = Math.max(0, ms);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h`;
  return `${Math.floor(span / DAY)}d`;
}

/** Returns how long ago something was: `22m ago`. */
export function ago(ms: number): string {
  return `${coarse(ms)} ago`;
}

/** Returns a measured duration in milliseconds: `0.4s`, `14.2s`, `3m 12s`. */
export function took(ms: number): string {
  if (ms < MINUTE) {
    const seconds = ms / SECOND;
    return seconds < 20 && ms % SECOND !== 0 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds)}s`;
  }
  return elapsed(ms);
}

/** Returns an amount of tokens: `640`, `18k`, `1.2M`. */
export function tokens(n: number): string {
  if (n < 1000) return String(n);
  if (n < 999_500) return `${Math.round(n / 1000)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

/** Returns how full the context is in whole percent, or null when that is not known. */
export function contextPercent(used: number | null, window: number | null): number | null {
  if (used === null || window === null || window <= 0) return null;
  return Math.min(100, Math.round((used / window) * 100));
}

/** Returns the local time of day: `14:18`. */
export function clockTime(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Returns the local time of day with seconds: `14:28:50`. */
export function clockTimeExact(at: number): string {
  return `${clockTime(at)}:${two(new Date(at).getSeconds())}`;
}

/** Returns when a limit starts anew, seen from `now`: `16:05` within a day, else `Mon` or `3 Dec`. */
export function resetTime(at: number, now: number): string {
  if (at - now < DAY) return clockTime(at);
  if (at - now < 7 * DAY) return WEEKDAY.format(at);
  return DAY_OF_MONTH.format(at);
}

/** Returns `n` with its noun: `1 command`, `6 commands`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Returns the middle of a long id cut out: `019a…7c4e`. */
export function shortId(text: string): string {
  return text.replace(
    /\b([0-9a-f]{4})[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{8}([0-9a-f]{4})\b/gi,
    '$1…$2',
  );
}
