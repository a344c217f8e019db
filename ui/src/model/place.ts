/** Names the places in the window, and how they are written in the address. */
import type { SessionId } from '../bindings/SessionId';
import { unreachable } from './unreachable';

/** A place in the window. */
export type Place =
  | { readonly view: 'sessions' }
  | { readonly view: 'session'; readonly id: SessionId }
  | { readonly view: 'health' };

/** Returns the address of `place`. */
export function addressOf(place: Place): string {
  switch (place.view) {
    case 'sessions':
      return '#/sessions';
    case 'session':
      return `#/session/${encodeURIComponent(place.id)}`;
    case 'health':
      return '#/health';
    default:
      return unreachable(place);
  }
}

/** Returns the place `address` names; the sessions when it names none. */
export function placeOf(address: string): Place {
  const [, view, id] = address.split('/');
  if (view === 'session' && id !== undefined && id !== '')
    return { view: 'session', id: decoded(id) };
  return view === 'health' ? { view: 'health' } : { view: 'sessions' };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
