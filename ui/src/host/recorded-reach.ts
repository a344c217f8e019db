/** What can be done about the sessions of the recording: all of them run in a server. */
import type { LiveSession } from '../bindings/LiveSession';
import type { Status } from '../bindings/Status';
import type { TurnId } from '../bindings/TurnId';
import { unreachable } from '../model/unreachable';

type Reach = Pick<LiveSession, 'message_way' | 'can_interrupt' | 'stop_way'>;

/** Returns what can be done about a session whose latest turn is `turn`. */
export function reachOf(status: Status, turn: TurnId): Reach {
  switch (status) {
    case 'working':
    case 'needs_you':
      return {
        message_way: { type: 'steer', turn_id: turn },
        can_interrupt: true,
        stop_way: 'turn',
      };
    case 'paused':
      return { message_way: { type: 'start' }, can_interrupt: false, stop_way: 'none' };
    case 'done':
      return { message_way: { type: 'keep' }, can_interrupt: false, stop_way: 'none' };
    case 'unknown':
      return { message_way: { type: 'queue' }, can_interrupt: false, stop_way: 'process' };
    default:
      return unreachable(status);
  }
}
