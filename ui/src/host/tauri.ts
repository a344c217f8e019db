/** Talks to the program through Tauri; the only file that knows the names of its commands. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { Event } from '../bindings/Event';
import type { HealthReport } from '../bindings/HealthReport';
import type { Problem } from '../bindings/Problem';
import type { SessionId } from '../bindings/SessionId';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import type { Host } from './host';

interface Route {
  readonly session_id: SessionId | null;
}

/** Returns whether the page runs inside the program's own window. */
export function insideTauri(): boolean {
  return '__TAURI_INTERNALS__' in window;
}

/** Returns the program behind this window. */
export function tauriHost(): Host {
  return {
    subscribe(hear) {
      const channel = new Channel<Event>(hear);
      return {
        accepted: invoke<void>('subscribe', { channel }),
        drop: () => {
          channel.onmessage = () => undefined;
        },
      };
    },
    transcript: (id, cursor) => invoke<TranscriptPage>('transcript', { id, cursor }),
    health: () => invoke<HealthReport>('health'),
    problems: () => invoke<Problem[]>('problems'),
    onProblems: async (hear) => {
      await listen<Problem[]>('problems', (event) => {
        hear(event.payload);
      });
    },
    onNavigate: async (hear) => {
      await listen<Route>('navigate', (event) => {
        if (event.payload.session_id !== null) hear(event.payload.session_id);
      });
    },
    initialRoute: async () => (await invoke<Route>('initial_route')).session_id,
    openFolder: (id) => invoke<void>('open_folder', { id }),
    openTerminal: (id) => invoke<void>('open_terminal', { id }),
    playDemo: () => invoke<void>('play_demo'),
  };
}
