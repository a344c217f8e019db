/** Says for how long a session's notifications are off. */
import type { Quiet } from '../bindings/Quiet';
import { clockTime, moment } from './format';
import { unreachable } from './unreachable';

/** Returns what stands beside the bell; null while notifications come. */
export function quietWords(quiet: Quiet | null, now: number): string | null {
  if (quiet === null) return null;
  switch (quiet.type) {
    case 'muted':
      return 'Muted';
    case 'snoozed': {
      const until = moment(quiet.until);
      return until === null || until <= now ? null : `Snoozed until ${clockTime(until)}`;
    }
    default:
      return unreachable(quiet);
  }
}
