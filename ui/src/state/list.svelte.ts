/** What the sessions view shows of the fleet: filter, layout, folds and the selected row. */
import type { SessionId } from '../bindings/SessionId';
import type { Group, Placement } from '../model/arrange';
import { matches, showsAll } from '../model/filter';
import type { Fleet, Row } from './fleet.svelte';
import { recall, remember } from './memory';

/** Groups with two lines a row, or a dense list. */
export type Layout = 'groups' | 'list';

/** A step through the list. */
export type Move = 'next' | 'previous' | 'first' | 'last';

const LAYOUT_KEY = 'layout';

/** The sessions view. */
export class SessionList {
  text = $state('');
  project = $state<string | null>(null);
  layout = $state<Layout>(recall(LAYOUT_KEY) === 'list' ? 'list' : 'groups');
  selected = $state<SessionId | null>(null);
  unfolded = $state.raw<ReadonlySet<SessionId>>(new Set());

  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** The groups that the filter leaves. */
  readonly groups: readonly Group<Row>[] = $derived.by(() => {
    const filter = { text: this.text, project: this.project };
    if (showsAll(filter)) return this.#fleet.groups;
    const passes = (place: Placement<Row>): boolean =>
      matches(place.member.session, filter) ||
      place.children.some((child) => matches(child.session, filter));
    return this.#fleet.groups.flatMap((group) => {
      const placements = group.placements.filter(passes);
      return placements.length === 0 ? [] : [{ ...group, placements }];
    });
  });

  /** The rows in the order of reading, as the keys walk them. */
  readonly order: readonly SessionId[] = $derived(
    this.groups.flatMap((group) => group.placements.flatMap((place) => this.#idsOf(place))),
  );

  /** The row the Tab key enters. */
  readonly entry: SessionId | null = $derived(
    this.selected !== null && this.order.includes(this.selected)
      ? this.selected
      : (this.order[0] ?? null),
  );

  /** Whether the filter hides sessions. */
  readonly filtered: boolean = $derived(!showsAll({ text: this.text, project: this.project }));

  /** Selects another row and returns it. */
  move(move: Move): SessionId | null {
    const order = this.order;
    const at = this.selected === null ? -1 : order.indexOf(this.selected);
    const last = order.length - 1;
    const to = { next: Math.min(at + 1, last), previous: Math.max(at - 1, 0), first: 0, last }[
      move
    ];
    this.selected = order[to] ?? null;
    return this.selected;
  }

  /** Selects the next row that needs somebody and returns it. */
  nextNeed(): SessionId | null {
    const needs = this.groups.find((group) => group.status === 'needs_you')?.placements ?? [];
    const ids = needs.map((place) => place.member.session.id);
    const at = this.selected === null ? -1 : ids.indexOf(this.selected);
    this.selected = ids[(at + 1) % Math.max(1, ids.length)] ?? this.selected;
    return this.selected;
  }

  /** Shows or hides the threads folded below a session. */
  toggleFold(id: SessionId): void {
    const unfolded = new Set(this.unfolded);
    if (!unfolded.delete(id)) unfolded.add(id);
    this.unfolded = unfolded;
  }

  /** Switches the layout. */
  setLayout(layout: Layout): void {
    this.layout = layout;
    remember(LAYOUT_KEY, layout);
  }

  /** Shows everything again. */
  clearFilter(): void {
    this.text = '';
    this.project = null;
  }

  #idsOf(place: Placement<Row>): SessionId[] {
    const folded = this.unfolded.has(place.member.session.id) ? place.folded : [];
    return [place.member, ...place.children, ...folded].map((row) => row.session.id);
  }
}
