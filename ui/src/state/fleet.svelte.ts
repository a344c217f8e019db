/** Holds every session as the stream tells it, and keeps rows at their places. */
import type { Event } from '../bindings/Event';
import type { LiveSession } from '../bindings/LiveSession';
import type { Problem } from '../bindings/Problem';
import type { RateLimits } from '../bindings/RateLimits';
import type { SessionId } from '../bindings/SessionId';
import { problemFrom, type Host, type Subscription } from '../host/host';
import { arrange, enteredAt, placeKey, settle, type Group, type Member } from '../model/arrange';
import { nameHomes } from '../model/homes';
import { tallyProjects, type ProjectTally } from '../model/projects';
import { judge } from '../model/stream';
import { unreachable } from '../model/unreachable';
import { Stillness, type Pace } from './pace';
import { TaskBoard } from './tasks.svelte';

/** One session; whoever reads it is told when it changes. */
export class Row implements Member {
  session: LiveSession;
  enteredAt: number;

  constructor(session: LiveSession) {
    this.session = $state.raw(session);
    this.enteredAt = enteredAt(session);
  }
}

/** The pause before a broken stream is asked for again. */
const RETRY_MS = 500;

/** All sessions, and the stream they and the tasks come through. */
export class Fleet {
  ready = $state(false);
  problem = $state.raw<Problem | null>(null);
  groups = $state.raw<readonly Group<Row>[]>([]);
  projects = $state.raw<readonly ProjectTally[]>([]);
  /** Names of the homes of agents that have several. */
  homes = $state.raw<ReadonlyMap<string, string>>(new Map());
  needsYou = $state(0);
  limits = $state.raw<ReadonlyMap<LiveSession['source'], RateLimits>>(new Map());

  readonly tasks: TaskBoard;

  readonly #host: Host;
  readonly #pace: Pace;
  readonly #stillness: Stillness;
  readonly #rows = new Map<SessionId, Row>();
  readonly #limitsAt = new Map<LiveSession['source'], string>();
  #pending = new Map<SessionId, LiveSession>();
  #snapshot: readonly LiveSession[] | null = null;
  #scheduled = false;
  #last: number | null = null;
  #subscription: Subscription | null = null;
  #closed = false;

  constructor(host: Host, pace: Pace) {
    this.#host = host;
    this.#pace = pace;
    this.#stillness = new Stillness(pace, () => {
      this.groups = settle(this.groups, arrange(this.#rows.values()));
    });
    this.tasks = new TaskBoard(pace);
  }

  /** Starts listening, or starts anew. */
  open(): void {
    this.#subscription?.drop();
    this.#last = null;
    const subscription = this.#host.subscribe((event) => {
      if (this.#subscription === subscription) this.#hear(event);
    });
    this.#subscription = subscription;
    subscription.accepted.then(
      () => {
        this.problem = null;
      },
      (error: unknown) => {
        if (this.#subscription === subscription) this.problem = problemFrom(error);
      },
    );
  }

  /** Stops listening. */
  close(): void {
    this.#closed = true;
    this.#subscription?.drop();
    this.#subscription = null;
  }

  /** Returns a session's row. */
  row(id: SessionId): Row | undefined {
    return this.#rows.get(id);
  }

  /** Returns the folders sessions work in, the latest first. */
  folders(): string[] {
    const rows = [...this.#rows.values()].sort((a, b) => b.enteredAt - a.enteredAt);
    const folders = rows.flatMap(({ session }) => (session.cwd === null ? [] : [session.cwd]));
    return [...new Set(folders)];
  }

  /** Keeps rows at their places a while longer: somebody is on the list. */
  touch(): void {
    this.#stillness.touch();
  }

  /** Lets rows move: nobody is on the list any more. */
  release(): void {
    this.#stillness.release();
  }

  #hear(event: Event): void {
    if (judge(this.#last, event) === 'subscribe_again') {
      this.#subscription?.drop();
      this.#subscription = null;
      this.#pace.later(() => {
        if (!this.#closed) this.open();
      }, RETRY_MS);
      return;
    }
    this.#last = event.seq;
    switch (event.event) {
      case 'snapshot':
        this.#snapshot = event.sessions;
        this.#pending = new Map();
        this.tasks.hearAll(event.tasks);
        this.#schedule();
        break;
      case 'session_discovered':
      case 'session_updated':
      case 'session_closed':
        this.#pending.set(event.session.id, event.session);
        this.#schedule();
        break;
      case 'task_updated':
        this.tasks.hear(event.task);
        this.#schedule();
        break;
      // Counted from the sessions themselves, so that a number and its rows never differ.
      case 'summary':
      case 'notice':
      case 'heartbeat':
        break;
      default:
        unreachable(event);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#pace.soon(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    let moved = false;
    if (this.#snapshot !== null) {
      const known = new Set(this.#snapshot.map((session) => session.id));
      for (const id of [...this.#rows.keys()]) if (!known.has(id)) moved = this.#rows.delete(id);
      for (const session of this.#snapshot) moved = this.#take(session) || moved;
      this.#snapshot = null;
    }
    const pending = this.#pending;
    this.#pending = new Map();
    for (const session of pending.values()) moved = this.#take(session) || moved;

    this.tasks.flush();
    if (moved) {
      this.#count();
      this.#stillness.rearrangeWhenStill();
    }
    if (!this.ready) {
      this.#stillness.rearrange();
      this.ready = true;
    }
  }

  /** Returns whether the session's place changed. */
  #take(session: LiveSession): boolean {
    this.#takeLimits(session);
    const row = this.#rows.get(session.id);
    if (row === undefined) {
      this.#rows.set(session.id, new Row(session));
      return true;
    }
    const before = row.session;
    row.session = session;
    if (before.status !== session.status) row.enteredAt = enteredAt(session);
    return placeKey(before) !== placeKey(session);
  }

  #takeLimits(session: LiveSession): void {
    if (session.rate_limits === null || session.last_event_at === null) return;
    const known = this.#limitsAt.get(session.source);
    if (known !== undefined && Date.parse(known) > Date.parse(session.last_event_at)) return;
    this.#limitsAt.set(session.source, session.last_event_at);
    const before = this.limits.get(session.source);
    if (JSON.stringify(before) === JSON.stringify(session.rate_limits)) return;
    this.limits = new Map(this.limits).set(session.source, session.rate_limits);
  }

  #count(): void {
    const sessions = [...this.#rows.values()].map((row) => row.session);
    this.projects = tallyProjects(sessions);
    const homes = nameHomes(sessions);
    if (JSON.stringify([...homes]) !== JSON.stringify([...this.homes])) this.homes = homes;
    this.needsYou = sessions.filter(
      (session) => session.status === 'needs_you' && !session.helper,
    ).length;
  }
}
