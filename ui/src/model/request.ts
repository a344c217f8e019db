/** Splits a request into its question, its reason and the command it is about. */
import type { Need } from '../bindings/Need';

/** A request, ready to draw; the three parts together hold its whole text. */
export interface Request {
  readonly question: string;
  readonly reason: string;
  readonly command: string;
}

/**
 * Splits `summary`: the first line up to its question mark asks, the rest of that line explains,
 * the lines below are the command or text the request is about.
 */
export function splitRequest(summary: string): Request {
  const text = summary.trim();
  const end = text.indexOf('\n');
  const head = end === -1 ? text : text.slice(0, end).trim();
  const command = end === -1 ? '' : text.slice(end + 1).trim();
  const mark = head.search(/\?(\s|$)/);
  if (mark !== -1) {
    return {
      question: head.slice(0, mark + 1),
      reason: head.slice(mark + 1).trim(),
      command: bare(command),
    };
  }
  const colon = /^([^:]{3,60}):\s+(.+)$/.exec(head);
  if (colon?.[1] !== undefined && colon[2] !== undefined && command === '') {
    return { question: colon[1], reason: '', command: bare(colon[2]) };
  }
  return { question: head, reason: '', command: bare(command) };
}

/** Cuts the shell prompt off, which the window draws itself. */
function bare(command: string): string {
  return command.replace(/^\$ /, '');
}

/** Returns whether a request is answered with yes or no. */
export function takesYesOrNo(need: Need): boolean {
  return need.choices.includes('accept') && need.choices.includes('decline');
}
