/** Says where a message to a session goes, and where it went. */
import type { Aim } from '../bindings/Aim';
import type { Delivery } from '../bindings/Delivery';
import type { MessageWay } from '../bindings/MessageWay';
import { unreachable } from './unreachable';

/** When a message is to arrive: as soon as it can, or once the session is idle. */
export type When = 'soonest' | 'idle';

/** Returns where a message goes; null if the session takes none. */
export function aimOf(way: MessageWay, when: When): Aim | null {
  switch (way.type) {
    case 'steer':
      return when === 'soonest' ? { type: 'turn', turn_id: way.turn_id } : { type: 'queue' };
    case 'start':
      return { type: 'next_turn' };
    case 'queue':
    case 'keep':
    case 'hold':
      return { type: 'queue' };
    case 'none':
      return null;
    default:
      return unreachable(way);
  }
}

/** Says what will become of a message; null if the session takes none. */
export function wayText(way: MessageWay, when: When): string | null {
  switch (way.type) {
    case 'steer':
      return when === 'soonest'
        ? 'Goes into the running turn, at its next step'
        : 'Waits until the running turn is over';
    case 'start':
      return 'Starts the next turn';
    case 'queue':
      return 'Waits in its queue until it is idle';
    case 'keep':
      return 'Waits in its queue until the session is taken up again';
    case 'hold':
      return 'Waits in its queue until after its next turn: the last one was interrupted';
    case 'none':
      return null;
    default:
      return unreachable(way);
  }
}

/** Says what became of a message. */
export function sentText(delivery: Delivery): string {
  switch (delivery) {
    case 'steered':
      return 'Sent: the running turn takes it in at its next step';
    case 'started':
      return 'Sent: it started a turn';
    case 'queued':
      return 'Queued until the session is idle';
    case 'kept':
      return 'Queued until the session is taken up again';
    case 'held':
      return 'Queued until after the next turn: the last one was interrupted';
    default:
      return unreachable(delivery);
  }
}
