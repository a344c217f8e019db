/** Ties the states of the window together and carries out its commands. */
import { createContext, tick } from 'svelte';

import type { LiveSession } from '../bindings/LiveSession';
import type { SessionId } from '../bindings/SessionId';
import type { Host } from '../host/host';
import type { Command } from '../model/keys';
import { addressOf, placeOf, type Place } from '../model/place';
import { unreachable } from '../model/unreachable';
import { Clock } from './clock.svelte';
import { Copier } from './copy.svelte';
import { Fleet, framePace } from './fleet.svelte';
import { SessionList } from './list.svelte';
import { Looked } from './looked.svelte';
import { Troubles } from './troubles.svelte';

/** What lies above the page. */
export type Overlay = 'none' | 'keys' | 'why';

/** Everything the components draw from. */
export class Desk {
  readonly host: Host;
  readonly clock = new Clock();
  readonly copier = new Copier();
  readonly looked = new Looked();
  readonly fleet: Fleet;
  readonly list: SessionList;
  readonly troubles: Troubles;
  place = $state.raw<Place>({ view: 'sessions' });
  overlay = $state<Overlay>('none');

  constructor(host: Host) {
    this.host = host;
    this.fleet = new Fleet(host, framePace());
    this.list = new SessionList(this.fleet);
    this.troubles = new Troubles(host);
    this.place = placeOf(location.hash);
  }

  /** Starts everything that runs; returns how to stop it. */
  start(): () => void {
    const stops = [this.clock.start(), this.looked.start()];
    const follow = (): void => {
      this.place = placeOf(location.hash);
      this.overlay = 'none';
      if (this.place.view === 'session') this.list.selected = this.place.id;
    };
    window.addEventListener('hashchange', follow);
    this.fleet.open();
    void this.troubles.start();
    void this.troubles.attempt(async () => {
      await this.host.onNavigate((id) => {
        this.go({ view: 'session', id });
      });
      const id = await this.host.initialRoute();
      if (id !== null) this.go({ view: 'session', id });
    });
    return () => {
      window.removeEventListener('hashchange', follow);
      for (const stop of stops) stop();
      this.fleet.close();
    };
  }

  /** Goes to a place. */
  go(place: Place): void {
    this.overlay = 'none';
    this.place = place;
    location.hash = addressOf(place);
  }

  /** Opens a session's page. */
  openSession(id: SessionId): void {
    this.list.selected = id;
    this.go({ view: 'session', id });
  }

  /** Puts the focus on the selected row, so that the list is where it was left. */
  focusSelected(): void {
    const id = this.list.selected;
    if (id !== null)
      void tick().then(() => {
        focusRow(id);
      });
  }

  /** Returns the session that keys act on. */
  subject(): LiveSession | null {
    const id = this.place.view === 'session' ? this.place.id : this.list.selected;
    if (id === null || this.place.view === 'health') return null;
    return this.fleet.row(id)?.session ?? null;
  }

  openTerminal(id: SessionId): void {
    void this.troubles.attempt(() => this.host.openTerminal(id));
  }

  openFolder(id: SessionId): void {
    void this.troubles.attempt(() => this.host.openFolder(id));
  }

  playDemo(): void {
    void this.troubles.attempt(() => this.host.playDemo());
  }

  /** Carries out a command; returns whether it had any effect here. */
  run(command: Command): boolean {
    switch (command) {
      case 'next':
      case 'previous':
      case 'first':
      case 'last':
        return this.#walk(() => this.list.move(command));
      case 'next_need':
        return this.#walk(() => this.list.nextNeed());
      case 'open':
        if (this.place.view !== 'sessions' || this.list.selected === null) return false;
        this.openSession(this.list.selected);
        return true;
      case 'back':
        return this.#back();
      case 'filter':
        if (this.place.view !== 'sessions') this.go({ view: 'sessions' });
        void tick().then(() => document.querySelector<HTMLInputElement>('#filter')?.focus());
        return true;
      case 'keys':
        this.overlay = this.overlay === 'keys' ? 'none' : 'keys';
        return true;
      case 'why':
        if (this.place.view !== 'session') return false;
        this.overlay = this.overlay === 'why' ? 'none' : 'why';
        return true;
      case 'sessions':
      case 'health':
        this.go({ view: command });
        return true;
      case 'layout':
        if (this.place.view !== 'sessions') return false;
        this.list.setLayout(this.list.layout === 'groups' ? 'list' : 'groups');
        return true;
      case 'go_to_terminal':
        return this.#withSubject((session) => {
          this.openTerminal(session.id);
        });
      case 'open_folder':
        return this.#withSubject((session) => {
          this.openFolder(session.id);
        });
      case 'copy_resume':
        return this.#withSubject((session) => {
          if (session.resume_command !== null) void this.copier.copy(session.resume_command);
        });
      default:
        return unreachable(command);
    }
  }

  #walk(step: () => SessionId | null): boolean {
    if (this.place.view !== 'sessions') return false;
    this.fleet.touch();
    step();
    this.focusSelected();
    return true;
  }

  #back(): boolean {
    if (this.overlay !== 'none') this.overlay = 'none';
    else if (this.place.view !== 'sessions') this.go({ view: 'sessions' });
    else if (this.list.filtered) this.list.clearFilter();
    else return false;
    return true;
  }

  #withSubject(act: (session: LiveSession) => void): boolean {
    const session = this.subject();
    if (session === null) return false;
    act(session);
    return true;
  }
}

function focusRow(id: SessionId): void {
  const row = document.querySelector(`.row[data-session-id="${CSS.escape(id)}"] a.open`);
  if (row instanceof HTMLElement) row.focus();
}

/** Gives components the desk they belong to. */
export const [useDesk, provideDesk] = createContext<Desk>();
