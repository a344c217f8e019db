/** Puts sessions into groups, in an order that no update can shake. */
import type { LiveSession } from '../bindings/LiveSession';
import type { Need } from '../bindings/Need';
import type { SessionId } from '../bindings/SessionId';
import type { Status } from '../bindings/Status';
import { moment } from './format';
import { lookOf } from './look';

/** The groups in the order they are shown. */
const GROUPS = ['needs_you', 'paused', 'working', 'unknown', 'done'] as const satisfies Status[];

/** A session with the moment it entered its group. */
export interface Member {
  readonly session: LiveSession;
  readonly enteredAt: number;
}

/** A session at its place, with the threads below it. */
export interface Placement<M extends Member> {
  readonly member: M;
  /** Threads that are shown below it. */
  readonly children: readonly M[];
  /** Helper threads and ended sub-agents, folded away. */
  readonly folded: readonly M[];
  /** What it asked when it was placed, so that the row keeps its height when the answer came. */
  readonly need: Need | null;
}

/** One group. */
export interface Group<M extends Member> {
  readonly status: Status;
  readonly placements: readonly Placement<M>[];
}

/** Returns when `session` entered the state it is in, in milliseconds. */
export function enteredAt(session: LiveSession): number {
  return moment(session.ended?.at ?? null) ?? moment(session.status_since) ?? 0;
}

/** Returns what decides a session's place; as long as it stays equal, the row stays where it is. */
export function placeKey(session: LiveSession): string {
  return [
    session.status,
    session.parent_id ?? '',
    session.helper ? 'h' : '',
    session.project ?? '',
    lookOf(session).word,
  ].join('|');
}

/** Returns the groups that have members. */
export function arrange<M extends Member>(members: Iterable<M>): Group<M>[] {
  const byId = new Map<SessionId, M>();
  for (const member of members) byId.set(member.session.id, member);

  const tops: M[] = [];
  const below = new Map<SessionId, M[]>();
  for (const member of byId.values()) {
    const root = rootOf(member, byId);
    if (root === null) {
      if (!member.session.helper) tops.push(member);
    } else {
      const list = below.get(root);
      if (list === undefined) below.set(root, [member]);
      else list.push(member);
    }
  }

  return GROUPS.flatMap((status) => {
    const placements = tops
      .filter((member) => member.session.status === status)
      .sort(status === 'needs_you' ? oldestFirst : newestFirst)
      .map((member) => place(member, below.get(member.session.id) ?? []));
    return placements.length === 0 ? [] : [{ status, placements }];
  });
}

/**
 * Returns `after` with every group and placement of `before` that did not change kept as the same
 * object, so that only what moved is drawn anew.
 */
export function settle<M extends Member>(
  before: readonly Group<M>[],
  after: readonly Group<M>[],
): readonly Group<M>[] {
  return after.map((group) => {
    const old = before.find((other) => other.status === group.status);
    if (old === undefined) return group;
    const known = new Map(old.placements.map((place) => [place.member, place]));
    const placements = group.placements.map((place) => {
      const kept = known.get(place.member);
      return kept !== undefined && samePlacement(kept, place) ? kept : place;
    });
    return sameItems(placements, old.placements) ? old : { ...group, placements };
  });
}

function samePlacement<M extends Member>(a: Placement<M>, b: Placement<M>): boolean {
  return (
    a.need?.request_id === b.need?.request_id &&
    sameItems(a.children, b.children) &&
    sameItems(a.folded, b.folded)
  );
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/**
 * Returns the session a thread is nested below, or null when it stands alone. A sub-agent that
 * asks stands alone, because a request below a folded or distant row would be missed.
 */
function rootOf<M extends Member>(member: M, byId: ReadonlyMap<SessionId, M>): SessionId | null {
  if (member.session.status === 'needs_you' && !member.session.helper) return null;
  let root: SessionId | null = null;
  let parent = member.session.parent_id;
  const seen = new Set<SessionId>([member.session.id]);
  while (parent !== null && !seen.has(parent)) {
    const found = byId.get(parent);
    if (found === undefined) break;
    seen.add(parent);
    root = parent;
    parent = found.session.status === 'needs_you' ? null : found.session.parent_id;
  }
  return root;
}

function place<M extends Member>(member: M, threads: readonly M[]): Placement<M> {
  const sorted = [...threads].sort(oldestFirst);
  const ended = member.session.status === 'done';
  const shown = (thread: M): boolean =>
    !ended && !thread.session.helper && thread.session.status !== 'done';
  return {
    member,
    children: sorted.filter(shown),
    folded: sorted.filter((thread) => !shown(thread)),
    need: member.session.need,
  };
}

function oldestFirst(a: Member, b: Member): number {
  return a.enteredAt - b.enteredAt || byName(a, b);
}

function newestFirst(a: Member, b: Member): number {
  return b.enteredAt - a.enteredAt || byName(a, b);
}

function byName(a: Member, b: Member): number {
  return a.session.id < b.session.id ? -1 : a.session.id > b.session.id ? 1 : 0;
}
