/** Talks to the program through Tauri; the only file that knows the names of its commands. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { Event } from '../bindings/Event';
import type { HealthReport } from '../bindings/HealthReport';
import type { Problem } from '../bindings/Problem';
import type { Quiet } from '../bindings/Quiet';
import type { Sent } from '../bindings/Sent';
import type { SessionId } from '../bindings/SessionId';
import type { TaskId } from '../bindings/TaskId';
import type { TranscriptPage } from '../bindings/TranscriptPage';
import type { Place } from '../model/place';
import type { Host, LogPart, Unreached } from './host';

interface Route {
  readonly session_id?: SessionId | null;
  readonly task_id?: TaskId | null;
}

function placeFrom(route: Route): Place | null {
  if (typeof route.task_id === 'string') return { view: 'task', id: route.task_id };
  if (typeof route.session_id === 'string') return { view: 'session', id: route.session_id };
  return null;
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
        const place = placeFrom(event.payload);
        if (place !== null) hear(place);
      });
    },
    initialRoute: async () => placeFrom(await invoke<Route>('initial_route')),
    openFolder: (id) => invoke<void>('open_folder', { id }),
    openTerminal: (id) => invoke<Unreached | null>('open_terminal', { id }),
    stopSession: (id) => invoke<Problem | null>('stop_session', { id }),
    interruptSession: (id, turn) => invoke<void>('interrupt_session', { id, turn }),
    tellSession: (id, text, aim) => invoke<Sent>('tell_session', { id, text, aim }),
    sessionQuiet: (id) => invoke<Quiet | null>('session_quiet', { id }),
    setSessionQuiet: (id, wish) => invoke<Quiet | null>('set_session_quiet', { id, wish }),
    playDemo: () => invoke<void>('play_demo'),
    taskLog: (id, cursor) => invoke<LogPart>('task_log', { id, cursor }),
    startTask: (request) => invoke<TaskId>('start_task', { request }),
    cancelTask: (id) => invoke<void>('cancel_task', { id }),
    replyTask: (id, text) => invoke<TaskId>('reply_task', { id, text }),
    answerTask: (id, request, decision) => invoke<void>('answer_task', { id, request, decision }),
    answerSession: (id, request, answer) => invoke<void>('answer_session', { id, request, answer }),
  };
}
