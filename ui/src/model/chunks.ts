/** Cuts long groups into chunks, so that only those near the window's edge have to be drawn. */
import type { SessionId } from '../bindings/SessionId';
import type { Status } from '../bindings/Status';
import type { Group, Member, Placement } from './arrange';
import { unreachable } from './unreachable';

/** Some placements of one group, with the height they take when they are not drawn. */
export interface Chunk<M extends Member> {
  readonly placements: readonly Placement<M>[];
  /** A CSS length; row heights are fixed, so it is exact. */
  readonly height: string;
  /** Whether it is among the first rows, which are drawn before anybody can look where they are. */
  readonly early: boolean;
}

/** A group in chunks. */
export interface ChunkedGroup<M extends Member> {
  readonly status: Status;
  readonly count: number;
  readonly chunks: readonly Chunk<M>[];
}

/** How the rows are drawn. */
export type RowForm = 'groups' | 'dense';

const CHUNK_ROWS = 20;
const EARLY_ROWS = 40;

/** Returns `groups` in chunks. */
export function chunked<M extends Member>(
  groups: readonly Group<M>[],
  form: RowForm,
  unfolded: ReadonlySet<SessionId>,
): ChunkedGroup<M>[] {
  let before = 0;
  return groups.map((group) => {
    const chunks: Chunk<M>[] = [];
    for (let at = 0; at < group.placements.length; at += CHUNK_ROWS) {
      const placements = group.placements.slice(at, at + CHUNK_ROWS);
      chunks.push({
        placements,
        height: heightOf(
          placements,
          form === 'dense' ? 'dense' : rowHeight(group.status),
          form,
          unfolded,
        ),
        early: before + at < EARLY_ROWS,
      });
    }
    before += group.placements.length;
    return { status: group.status, count: group.placements.length, chunks };
  });
}

function rowHeight(status: Status): 'ask' | 'two' | 'thin' {
  switch (status) {
    case 'needs_you':
      return 'ask';
    case 'paused':
    case 'working':
    case 'unknown':
      return 'two';
    case 'done':
      return 'thin';
    default:
      return unreachable(status);
  }
}

function heightOf<M extends Member>(
  placements: readonly Placement<M>[],
  row: 'ask' | 'two' | 'thin' | 'dense',
  form: RowForm,
  unfolded: ReadonlySet<SessionId>,
): string {
  let children = 0;
  let folds = 0;
  for (const place of placements) {
    children += place.children.length;
    if (form === 'groups' && place.folded.length > 0) {
      folds += 1;
      if (unfolded.has(place.member.session.id)) children += place.folded.length;
    }
  }
  const child = form === 'dense' ? 'dense' : 'child';
  return `calc(${placements.length} * var(--row-${row}) + ${children} * var(--row-${child}) + ${folds} * var(--row-fold))`;
}

/** Returns whether the chunk holds the session's row. */
export function holds<M extends Member>(chunk: Chunk<M>, id: SessionId | null): boolean {
  if (id === null) return false;
  const is = (member: Member): boolean => member.session.id === id;
  return chunk.placements.some(
    (place) => is(place.member) || place.children.some(is) || place.folded.some(is),
  );
}
