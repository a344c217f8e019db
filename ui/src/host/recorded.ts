/** Plays a recording instead of a program, for the browser, tests and measurements. */
import type { Aim } from '../bindings/Aim';
import type { Event } from '../bindings/Event';
import type { LiveSession } from '../bindings/LiveSession';
import type { Problem } from '../bindings/Problem';
import type { Quiet } from '../bindings/Quiet';
import type { Sent } from '../bindings/Sent';
import type { SessionId } from '../bindings/SessionId';
import type { Summary } from '../bindings/Summary';
import type { Host, QuietWish } from './host';
import type { EventBody } from '../bindings/EventBody';
import { unreachable } from '../model/unreachable';
import { measureFrames } from './measure';
import { crowd, recordedReport } from './recorded-crowd';
import { RecordedDesk } from './recorded-desk';
import { fleet } from './recorded-sessions';
import { recordedPage } from './recorded-transcript';

const NO_SUMMARY: Summary = {
  working: 0,
  needs_you: 0,
  paused: 0,
  done: 0,
  unknown: 0,
  tasks_running: 0,
};

const SLOW: Problem = {
  code: 'watch_limit',
  title: 'Live updates are slow.',
  detail: 'Linux reached its limit of file watches, so folders are checked every 5 s.',
  hint: 'Raise it: `sudo sysctl fs.inotify.max_user_watches=524288`.',
};

const NO_TERMINAL: Problem = {
  code: 'terminal_not_found',
  title: 'You have to go to this session yourself.',
  detail: 'Its terminal was not found. No window belongs to it.',
  hint: 'The command that takes it up in a terminal is in the clipboard.',
};

const SHARED: Problem = {
  code: 'not_stopped',
  title: 'The session was not stopped.',
  detail: 'It runs in a server (process 4711) that other programs use.',
  hint: 'Interrupt or close it where it was started.',
};

const MOVED: Problem = {
  code: 'not_sent',
  title: 'The message was not sent.',
  detail: 'The turn it was meant for is over.',
  hint: 'Look at the session, then send it again if it still fits.',
};

/**
 * Returns a host that plays the scene named in `options`: `fleet`, `still` (nothing moves),
 * `empty`, `over` (only ended sessions), `refuse` (no action works), `loading`, `banner`, or `crowd` with `n` sessions and
 * `rate` updates a second.
 */
export function recordedHost(options: URLSearchParams): Host {
  const scene = options.get('scene') ?? 'fleet';
  const theme = options.get('theme');
  if (theme !== null) document.documentElement.dataset['theme'] = theme;
  const seconds = Number(options.get('measure') ?? 0);
  if (seconds > 0) measureFrames(seconds);
  const sessions = sessionsOf(scene, Number(options.get('n') ?? 500));
  const desk = new RecordedDesk(scene === 'empty' || scene === 'over' ? 'none' : scene);
  const quiet = new Map<SessionId, Quiet | null>();
  const rate = scene === 'crowd' ? Number(options.get('rate') ?? 50) : scene === 'fleet' ? 2 : 0;

  return {
    subscribe(listen) {
      let seq = 0;
      const emit = (body: EventBody): void => {
        seq += 1;
        listen({ seq, at: new Date().toISOString(), ...body } satisfies Event);
      };
      if (scene === 'loading') return { accepted: Promise.resolve(), drop: () => undefined };
      queueMicrotask(() => {
        emit({ event: 'snapshot', sessions, tasks: desk.tasks, summary: NO_SUMMARY });
      });
      desk.emit = emit;
      const timer = play(sessions, rate, emit);
      return {
        accepted: Promise.resolve(),
        drop: () => {
          clearInterval(timer);
        },
      };
    },
    transcript: (id, cursor) =>
      Promise.resolve(recordedPage(id, cursor, scene === 'crowd' ? 300 : 1)),
    health: () => Promise.resolve(recordedReport()),
    problems: () => Promise.resolve(scene === 'banner' ? [SLOW] : []),
    onProblems: () => Promise.resolve(),
    onNavigate: () => Promise.resolve(),
    initialRoute: () => Promise.resolve(null),
    openFolder: () => Promise.resolve(),
    openTerminal: () => Promise.resolve({ command: null, problem: NO_TERMINAL }),
    stopSession: () => Promise.reject(Object.assign(new Error(SHARED.title), SHARED)),
    interruptSession: () => Promise.resolve(),
    tellSession: (id, _text, aim) =>
      scene === 'refuse'
        ? Promise.reject(Object.assign(new Error(MOVED.title), MOVED))
        : Promise.resolve(sentTo(id, aim)),
    sessionQuiet: (id) => Promise.resolve(quiet.get(id) ?? null),
    setSessionQuiet: (id, wish) => {
      quiet.set(id, quietFor(wish));
      return Promise.resolve(quiet.get(id) ?? null);
    },
    playDemo: () => Promise.resolve(),
    taskLog: (id, cursor) => Promise.resolve(desk.log(id, cursor)),
    startTask: (request) => desk.start(request),
    cancelTask: (id) => desk.cancel(id),
    replyTask: (id, text) => desk.reply(id, text),
    answerTask: (id, _request, decision) => desk.answer(id, decision),
    answerSession: () => Promise.resolve(),
  };
}

function sentTo(id: SessionId, aim: Aim): Sent {
  const sent = { session_id: id, turn_id: null, queued_id: null };
  switch (aim.type) {
    case 'turn':
      return { ...sent, delivery: 'steered', turn_id: aim.turn_id };
    case 'next_turn':
      return { ...sent, delivery: 'started', turn_id: 'turn-next' };
    case 'queue':
      return { ...sent, delivery: 'queued', queued_id: 'queued-1' };
    default:
      return unreachable(aim);
  }
}

function quietFor(wish: QuietWish): Quiet | null {
  switch (wish) {
    case 'snooze':
      return { type: 'snoozed', until: new Date(Date.now() + 3_600_000).toISOString() };
    case 'mute':
      return { type: 'muted' };
    case 'loud':
      return null;
    default:
      return unreachable(wish);
  }
}

function sessionsOf(scene: string, n: number): LiveSession[] {
  if (scene === 'empty') return [];
  if (scene === 'crowd') return crowd(n);
  const all = fleet(Date.now());
  return scene === 'over' ? all.filter((session) => session.status === 'done') : all;
}

const STEPS = [
  'Running cargo test -p store',
  'Reading src/lib.rs',
  'Editing src/http/routes.rs',
  'Comparing both results',
];

/** Sends `rate` updates a second; now and then one that changes a state. */
function play(
  sessions: LiveSession[],
  rate: number,
  emit: (body: EventBody) => void,
): ReturnType<typeof setInterval> | undefined {
  if (rate === 0 || sessions.length === 0) return undefined;
  let n = 0;
  return setInterval(() => {
    n += 1;
    const at = (n * 7919) % sessions.length;
    const session = sessions[at];
    if (session === undefined) return;
    const now = new Date().toISOString();
    const next: LiveSession = {
      ...session,
      last_event_at: now,
      tokens: { ...session.tokens, total: session.tokens.total + 640 },
      activity: session.status === 'working' ? (STEPS[n % STEPS.length] ?? null) : session.activity,
    };
    if (rate > 10 && n % 25 === 0 && session.status !== 'needs_you') {
      next.status = session.status === 'working' ? 'paused' : 'working';
      next.status_since = now;
      next.ended = null;
    }
    sessions[at] = next;
    emit({ event: 'session_updated', session: next });
  }, 1000 / rate);
}
