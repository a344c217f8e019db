/** Says in one line what a session does, asks or ended with. */
import type { LiveSession } from '../bindings/LiveSession';
import { coarse, moment } from './format';
import { splitRequest } from './request';
import { unreachable } from './unreachable';

/** The second line of a row. */
export interface Line {
  /** A first word that is set apart, or empty. */
  readonly lead: string;
  /** Whether the lead carries the state's colour. */
  readonly loud: boolean;
  readonly text: string;
  /** Whether the text is code. */
  readonly code: boolean;
}

const plain = (text: string): Line => ({ lead: '', loud: false, text: oneLine(text), code: false });
const lead = (word: string, text: string): Line => ({
  lead: word,
  loud: true,
  text: oneLine(text),
  code: false,
});

/** A command, or a path without blanks, is set as code. */
const CODE_VERB = /^(?:(Running)\s+(.+)|(Editing|Reading|Writing|Calling)\s+(\S+))$/s;

/** Returns the line of `session`. */
export function describe(session: LiveSession): Line {
  switch (session.status) {
    case 'needs_you': {
      if (session.need === null) return lead('Needs you', '');
      const request = splitRequest(session.need.summary);
      return lead(
        request.question,
        [request.reason, request.command].filter((part) => part !== '').join(' '),
      );
    }
    case 'working':
      return (
        activityLine(session.activity) ??
        plain(session.last_message ?? session.last_prompt ?? 'Thinking')
      );
    case 'paused':
      return turnLine(session);
    case 'unknown':
      return plain(session.evidence.says);
    case 'done':
      return endLine(session);
    default:
      return unreachable(session.status);
  }
}

function activityLine(activity: string | null): Line | null {
  if (activity === null || activity.trim() === '') return null;
  const match = CODE_VERB.exec(activity.trim());
  const verb = match?.[1] ?? match?.[3];
  const code = match?.[2] ?? match?.[4];
  if (verb === undefined || code === undefined) return plain(activity);
  return { lead: verb, loud: false, text: oneLine(code), code: true };
}

function turnLine(session: LiveSession): Line {
  const turn = session.last_turn;
  if (turn === null) return plain(session.last_message ?? 'Open, no turn yet');
  switch (turn.outcome) {
    case 'failed':
      return lead(
        turn.message === null ? 'Last turn failed' : 'Last turn failed:',
        turn.message ?? '',
      );
    case 'interrupted':
      return plain(turn.message ?? 'The last turn was interrupted.');
    case 'completed':
      return plain(turn.message ?? session.last_message ?? 'The turn is over.');
    default:
      return unreachable(turn.outcome);
  }
}

function endLine(session: LiveSession): Line {
  const said = session.last_turn?.message ?? session.last_message;
  if (session.ended === null) return plain(said ?? '');
  switch (session.ended.how) {
    case 'finished':
    case 'closed':
    case 'archived':
      return plain(said ?? '');
    case 'interrupted':
      return plain('The last turn was interrupted.');
    case 'failed':
      return plain(said === null ? 'The last turn failed.' : `Failed: ${said}`);
    case 'killed':
      return plain(
        session.activity === null ? session.evidence.says : `Killed: ${session.activity}`,
      );
    default:
      return unreachable(session.ended.how);
  }
}

/** Returns `quiet 4m` for a session that runs and has not written for a while, else empty. */
export function quietRemark(session: LiveSession, now: number): string {
  switch (session.freshness) {
    case 'fresh':
      return '';
    case 'quiet': {
      const last = moment(session.last_event_at);
      return last === null ? 'quiet' : `quiet ${coarse(now - last)}`;
    }
    default:
      return unreachable(session.freshness);
  }
}

/** Returns `text` without line breaks and Markdown marks, for a single line. */
export function oneLine(text: string): string {
  return text
    .replace(/\*\*|`|^#+\s/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}
