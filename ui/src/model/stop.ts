/** Says what stopping a session does, before it is done. */
import type { StopWay } from '../bindings/StopWay';
import { unreachable } from './unreachable';

/** What a person is asked. */
export interface StopWords {
  readonly title: string;
  readonly says: string;
  readonly act: string;
}

/** Returns what to ask before the session called `name` is stopped; null if it cannot be. */
export function stopWords(way: StopWay, name: string): StopWords | null {
  const title = 'Stop this session?';
  const files = 'Files it changed stay as they are.';
  switch (way) {
    case 'process':
      return {
        title,
        says: `The program that runs “${name}” is asked to end, and forced if it does not. ${files}`,
        act: 'Stop session',
      };
    case 'task':
      return {
        title,
        says: `“${name}” runs for a task, which is cancelled. ${files}`,
        act: 'Stop session',
      };
    case 'turn':
      return {
        title: 'Interrupt its turn?',
        says: `“${name}” runs in a server that other sessions need, so only its turn is interrupted. The session stays open. ${files}`,
        act: 'Interrupt turn',
      };
    case 'none':
      return null;
    default:
      return unreachable(way);
  }
}
