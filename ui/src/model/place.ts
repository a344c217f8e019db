/** Names the places in the window, and how they are written in the address. */
import type { SessionId } from '../bindings/SessionId';
import type { TaskId } from '../bindings/TaskId';
import { unreachable } from './unreachable';

/** A place in the window. */
export type Place =
  | { readonly view: 'sessions' }
  | { readonly view: 'session'; readonly id: SessionId }
  | { readonly view: 'tasks' }
  | { readonly view: 'new_task' }
  | { readonly view: 'task'; readonly id: TaskId }
  | { readonly view: 'health' };

/** Returns the address of `place`. */
export function addressOf(place: Place): string {
  switch (place.view) {
    case 'sessions':
      return '#/sessions';
    case 'session':
      return `#/session/${encodeURIComponent(place.id)}`;
    case 'tasks':
      return '#/tasks';
    case 'new_task':
      return '#/tasks/new';
    case 'task':
      return `#/task/${encodeURIComponent(place.id)}`;
    case 'health':
      return '#/health';
    default:
      return unreachable(place);
  }
}

/** Returns the place `address` names; the sessions when it names none. */
export function placeOf(address: string): Place {
  const [, view, id] = address.split('/');
  const named = id === undefined || id === '' ? null : decoded(id);
  switch (view) {
    case 'session':
      return named === null ? { view: 'sessions' } : { view: 'session', id: named };
    case 'task':
      return named === null ? { view: 'tasks' } : { view: 'task', id: named };
    case 'tasks':
      return named === 'new' ? { view: 'new_task' } : { view: 'tasks' };
    case 'health':
      return { view: 'health' };
    default:
      return { view: 'sessions' };
  }
}

/** Names the parts of the window that the navigation leads to. */
export type Area = 'sessions' | 'tasks' | 'health';

/** Returns the part of the window `place` belongs to. */
export function areaOf(place: Place): Area {
  switch (place.view) {
    case 'sessions':
    case 'session':
      return 'sessions';
    case 'tasks':
    case 'task':
    case 'new_task':
      return 'tasks';
    case 'health':
      return 'health';
    default:
      return unreachable(place);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
