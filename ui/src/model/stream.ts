/** Watches that no event of the stream is missed. */
import type { Event } from '../bindings/Event';

/** What to do with an event. */
export type Verdict = 'apply' | 'subscribe_again';

/** Judges `event` after the one with `last` as its number; null means that a snapshot must come first. */
export function judge(last: number | null, event: Pick<Event, 'seq' | 'event'>): Verdict {
  if (event.event === 'snapshot') return 'apply';
  return last !== null && event.seq === last + 1 ? 'apply' : 'subscribe_again';
}
