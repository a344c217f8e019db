/** Decides which time a session's row shows, and in which form. */
import type { LiveSession } from '../bindings/LiveSession';
import { enteredAt } from './arrange';
import { moment } from './format';
import { unreachable } from './unreachable';

/** The time a row shows: to the second while it counts, in one unit while it rests, `… ago` when over. */
export interface Since {
  readonly at: number;
  readonly form: 'running' | 'resting' | 'over';
}

/** Returns the time `session` shows. */
export function sinceOf(session: LiveSession): Since {
  const at = enteredAt(session);
  switch (session.status) {
    case 'needs_you':
      return { at, form: 'running' };
    case 'working':
      return { at: moment(session.turn?.started_at ?? null) ?? at, form: 'running' };
    case 'paused':
    case 'unknown':
      return { at, form: 'resting' };
    case 'done':
      return { at, form: 'over' };
    default:
      return unreachable(session.status);
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Returns whether a time is so old at `now` that its text changes at most once a minute. */
export function isCoarse(since: Since, now: number): boolean {
  return now - since.at > (since.form === 'running' ? HOUR : MINUTE);
}
