/** Words the reason for a session's state. */
import type { Evidence } from '../bindings/Evidence';
import type { LiveSession } from '../bindings/LiveSession';

/** Returns the sentence behind the state's word. */
export function verdictText(session: Pick<LiveSession, 'evidence'>): string {
  const says = session.evidence.says.trim().replace(/\.$/, '');
  if (says === '') return 'without evidence.';
  return /[!?…]$/.test(says) ? says : `${says}.`;
}

/** Returns whether two pieces of evidence are the same one. */
export function isSame(a: Evidence, b: Evidence): boolean {
  return a.from === b.from && a.at === b.at && a.says === b.says;
}
