/** Says how each state looks: its colour family, its shape and its word. */
import type { LiveSession } from '../bindings/LiveSession';
import type { Status } from '../bindings/Status';
import { unreachable } from './unreachable';

/** Names a colour family of the tokens. */
export type Tone = 'needs' | 'working' | 'paused' | 'done' | 'failed' | 'unknown';

/** Names a shape. */
export type GlyphName = Tone | 'interrupted' | 'closed' | 'queued';

/** How a state looks. */
export interface Look {
  readonly tone: Tone;
  readonly glyph: GlyphName;
  readonly word: string;
}

const look = (tone: Tone, glyph: GlyphName, word: string): Look => ({ tone, glyph, word });

const NEEDS = look('needs', 'needs', 'Needs you');
const WORKING = look('working', 'working', 'Working');
const PAUSED = look('paused', 'paused', 'Your turn');
const TURN_FAILED = look('failed', 'failed', 'Turn failed');
const UNKNOWN = look('unknown', 'unknown', 'Unknown');
const FINISHED = look('done', 'done', 'Finished');
const CLOSED = look('done', 'closed', 'Closed');
const ARCHIVED = look('done', 'closed', 'Archived');
const INTERRUPTED = look('done', 'interrupted', 'Interrupted');
const FAILED = look('failed', 'failed', 'Failed');
const KILLED = look('failed', 'failed', 'Killed');

type Shown = Pick<LiveSession, 'status' | 'ended' | 'last_turn'>;

/** Returns how `session` looks in its present state. */
export function lookOf(session: Shown): Look {
  switch (session.status) {
    case 'needs_you':
      return NEEDS;
    case 'working':
      return WORKING;
    case 'paused':
      return session.last_turn?.outcome === 'failed' ? TURN_FAILED : PAUSED;
    case 'unknown':
      return UNKNOWN;
    case 'done':
      return endedLook(session);
    default:
      return unreachable(session.status);
  }
}

function endedLook(session: Shown): Look {
  if (session.ended === null) return FINISHED;
  switch (session.ended.how) {
    case 'finished':
      return FINISHED;
    case 'closed':
      return CLOSED;
    case 'archived':
      return ARCHIVED;
    case 'interrupted':
      return INTERRUPTED;
    case 'failed':
      return FAILED;
    case 'killed':
      return KILLED;
    default:
      return unreachable(session.ended.how);
  }
}

/** Returns the look of a whole group of sessions. */
export function statusLook(status: Status): Look {
  switch (status) {
    case 'needs_you':
      return NEEDS;
    case 'working':
      return WORKING;
    case 'paused':
      return PAUSED;
    case 'unknown':
      return UNKNOWN;
    case 'done':
      return FINISHED;
    default:
      return unreachable(status);
  }
}
