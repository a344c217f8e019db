/** Decides which sessions a filter shows. */
import type { LiveSession } from '../bindings/LiveSession';
import { sourceName, titleOf } from './names';

/** What to show. */
export interface Filter {
  readonly text: string;
  /** Only this project, or every project when null. */
  readonly project: string | null;
}

/** Returns whether `filter` hides nothing. */
export function showsAll(filter: Filter): boolean {
  return filter.project === null && filter.text.trim() === '';
}

/** Returns whether `session` holds every word of the filter. */
export function matches(session: LiveSession, filter: Filter): boolean {
  if (filter.project !== null && session.project !== filter.project) return false;
  const words = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return true;
  const text = [
    titleOf(session),
    session.project,
    session.git_branch,
    session.model,
    session.cwd,
    session.last_prompt,
    sourceName(session.source),
  ]
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
