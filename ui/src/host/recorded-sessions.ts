/** The sessions of the recording: invented projects, believable states. */
import type { Evidence } from '../bindings/Evidence';
import type { LiveSession } from '../bindings/LiveSession';
import type { Status } from '../bindings/Status';
import type { Tokens } from '../bindings/Tokens';
import { reachOf } from './recorded-reach';

/** What differs from session to session. */
interface Sketch extends Partial<Omit<LiveSession, 'tokens' | 'id' | 'status_since'>> {
  readonly n: number;
  readonly title: string;
  readonly project: string;
  readonly status: Status;
  /** Seconds since it is in its state. */
  readonly since: number;
  readonly used: number;
  readonly full: number;
  readonly turns: number;
}

const MODEL = 'gpt-6.1-sol';
const WINDOW = 272_000;
/** The moment of the recording; every time in it counts back from here. */
let base = 0;

/** Returns the moment so many seconds before the recording's. */
export const iso = (secondsAgo: number): string => new Date(base - secondsAgo * 1000).toISOString();
/** Returns the id of a recorded session. */
export const idOf = (n: number): string =>
  `codex:019a6c2e-5d10-7a31-9c44-0000${String(n).padStart(4, '0')}7c4e`;

function tokensOf(total: number, full: number): Tokens {
  const output = Math.round(total * 0.125);
  return {
    input: total - output,
    cached_input: Math.round((total - output) * 0.86),
    output,
    reasoning: Math.round(output * 0.6),
    total,
    context_used: Math.round((WINDOW * full) / 100),
    context_window: WINDOW,
  };
}

const EVIDENCE: Readonly<Record<Status, Evidence['says']>> = {
  needs_you: 'the running turn waits for an approval',
  working: 'turn started, no end yet',
  paused: 'the turn is over and the lock is still held',
  done: 'the lock is free and no process holds the session',
  unknown: 'Runs in a container: its process cannot be seen from here. Last line 19m ago.',
};

function trailOf(sketch: Sketch): Evidence[] {
  const at = iso(sketch.since);
  const held = sketch.status !== 'done';
  const lead: Evidence =
    sketch.status === 'needs_you'
      ? { from: 'live_protocol', at, says: EVIDENCE.needs_you }
      : {
          from: sketch.status === 'done' ? 'writer_lock' : 'transcript',
          at,
          says: EVIDENCE[sketch.status],
        };
  if (sketch.status === 'unknown') return [lead];
  return [
    lead,
    {
      from: lead.from === 'transcript' ? 'writer_lock' : 'transcript',
      at: iso(sketch.since + 2),
      says: held ? `turn ${sketch.turns} started, no end yet` : 'last turn completed',
    },
    { from: 'process', at: iso(2), says: held ? 'codex 48213, alive' : 'no process' },
  ];
}

/** Returns a session drawn from its sketch. */
export function session(sketch: Sketch): LiveSession {
  const { n, since, used, full, turns, ...rest } = sketch;
  const id = idOf(n);
  const trail = trailOf(sketch);
  return {
    id,
    source: 'codex',
    source_session_id: id.slice('codex:'.length),
    cwd: `/home/dev/src/${sketch.project}`,
    git_branch: 'main',
    model: MODEL,
    client: 'tui',
    cli_version: '0.169.0',
    status_since: iso(since),
    freshness: 'fresh',
    need: null,
    activity: null,
    turn: { id: `turn-${n}`, count: turns, started_at: iso(since + 4) },
    last_turn: null,
    ended: null,
    last_prompt: null,
    last_message: null,
    started_at: iso(since + 2700),
    last_event_at: iso(Math.min(since, 6)),
    rate_limits: {
      primary: { used_percent: 34, window_minutes: 300, resets_at: iso(-5580) },
      secondary: { used_percent: 81, window_minutes: 10_080, resets_at: iso(-3 * 86_400) },
      plan: 'team',
      reached: null,
    },
    parent_id: null,
    helper: false,
    process: sketch.status === 'done' ? null : { pid: 48_213, started_at: iso(since + 2700) },
    task_id: null,
    home: '/home/dev/.codex',
    transcript_path: `/home/dev/.codex/sessions/2026/11/20/rollout-${n}.jsonl`,
    skipped_lines: 0,
    resume_command: `codex resume ${id.slice('codex:'.length)}`,
    ...reachOf(sketch.status, `turn-${n}`),
    evidence: trail[0] ?? { from: 'transcript', at: null, says: '' },
    evidence_trail: trail,
    tokens: tokensOf(used, full),
    ...rest,
  };
}

/** Returns a request for approval. */
export const need = (summary: string): LiveSession['need'] => ({
  kind: 'approval',
  summary,
  request_id: 'turn-7/item-12',
  can_answer: false,
  choices: [],
});
/** Returns a turn that ended well. */
export const completed = (message: string, secondsAgo: number): LiveSession['last_turn'] => ({
  id: 'turn',
  outcome: 'completed',
  message,
  ended_at: iso(secondsAgo),
});

/** Sets the moment of the recording. */
export function recordAt(now: number): void {
  base = now;
}

/** Returns the sessions as they stand at `now`. */
export function fleet(now: number): LiveSession[] {
  base = now;
  return [
    session({
      n: 1,
      title: 'Retry webhook deliveries with backoff',
      project: 'ledger-api',
      git_branch: 'fix/webhook-retry',
      status: 'needs_you',
      since: 192,
      used: 184_000,
      full: 62,
      turns: 7,
      need: need(
        'Run outside the sandbox? The migration test needs the local database.\npsql "$LEDGER_TEST_URL" -v ON_ERROR_STOP=1 -f migrations/0042_delivery_attempts.sql',
      ),
    }),
    session({
      n: 2,
      title: 'Range picker for the usage report',
      project: 'atlas-web',
      git_branch: 'feat/date-range',
      status: 'needs_you',
      since: 48,
      used: 96_000,
      full: 31,
      turns: 3,
      need: {
        kind: 'question',
        summary: 'Which weekday should the calendar start on? The design shows Monday.',
        request_id: 'turn-3/item-4',
        can_answer: false,
        choices: ['Follow the browser', 'Always Monday'],
      },
    }),
    session({
      n: 3,
      title: 'Rotate the off-site backup keys',
      project: 'homelab',
      status: 'needs_you',
      since: 22,
      used: 41_000,
      full: 14,
      turns: 2,
      model: 'gpt-5.5',
      need: need(
        'Run this command? It writes outside the workspace.\nrestic -r sftp:vault:/backups key add --new-password-file ./keys/2026-11.txt',
      ),
    }),
    session({
      n: 4,
      title: 'Find the rounding error in split payments',
      project: 'ledger-api',
      status: 'paused',
      since: 370,
      used: 122_000,
      full: 40,
      turns: 4,
      last_turn: completed(
        'Rounding happens twice: once in `Money::split` and again when the fee is booked. I have not changed anything yet.',
        370,
      ),
    }),
    session({
      n: 5,
      title: 'Virtual scrolling for the events table',
      project: 'atlas-web',
      git_branch: 'feat/table-virtual',
      status: 'paused',
      since: 850,
      used: 311_000,
      full: 88,
      turns: 11,
      last_turn: {
        id: 't',
        outcome: 'failed',
        message: 'usage limit reached, resets at 15:10',
        ended_at: iso(850),
      },
    }),
    session({
      n: 6,
      title: 'Tidy the parquet partition names',
      project: 'tidewatch',
      git_branch: 'chore/partitions',
      status: 'paused',
      since: 1570,
      used: 58_000,
      full: 22,
      turns: 5,
      model: 'gpt-5.5',
      last_turn: {
        id: 't',
        outcome: 'interrupted',
        message: 'You interrupted the last turn after 2 of 6 renames.',
        ended_at: iso(1570),
      },
    }),
    session({
      n: 7,
      title: 'Plan the move to Postgres 18',
      project: 'homelab',
      status: 'working',
      since: 52,
      used: 37_000,
      full: 15,
      turns: 2,
      model: 'gpt-5.5',
      activity: 'Reading the release notes for changed defaults',
    }),
    session({
      n: 8,
      title: 'Idempotency keys on POST /transfers',
      project: 'ledger-api',
      git_branch: 'feat/idempotency',
      status: 'working',
      since: 248,
      used: 140_000,
      full: 47,
      turns: 6,
      activity: 'Editing src/http/transfers.rs',
    }),
    session({
      n: 9,
      title: 'Replace moment with Temporal',
      project: 'atlas-web',
      git_branch: 'mc/temporal',
      status: 'working',
      since: 451,
      used: 88_000,
      full: 34,
      turns: 1,
      client: 'exec',
      task_id: '0199a6c2-0000-7000-8000-000000000001',
      activity: 'Step 3 of 5: convert the chart axes',
    }),
    session({
      n: 10,
      title: 'Verify last night’s snapshots',
      project: 'homelab',
      status: 'working',
      since: 662,
      used: 22_000,
      full: 9,
      turns: 1,
      freshness: 'quiet',
      last_event_at: iso(245),
      activity: 'Running restic check --read-data-subset=5%',
    }),
    session({
      n: 11,
      title: 'Make the 2025 backfill resumable',
      project: 'tidewatch',
      git_branch: 'feat/resume-backfill',
      status: 'working',
      since: 760,
      used: 226_000,
      full: 71,
      turns: 9,
      activity: 'Running pytest -q tests/backfill',
    }),
    session({
      n: 12,
      title: 'Check the checkpoint file format',
      project: 'tidewatch',
      status: 'working',
      since: 65,
      used: 18_000,
      full: 7,
      turns: 1,
      parent_id: idOf(11),
      activity: 'Reading src/tidewatch/checkpoint.py',
    }),
    session({
      n: 13,
      title: 'List every caller of the old cursor',
      project: 'tidewatch',
      status: 'done',
      since: 300,
      used: 11_000,
      full: 4,
      turns: 1,
      parent_id: idOf(11),
      ended: { at: iso(300), how: 'finished' },
      last_turn: completed('4 callers, all in jobs/.', 300),
    }),
    session({
      n: 14,
      title: 'Guardian review',
      project: 'tidewatch',
      status: 'done',
      since: 90,
      used: 4000,
      full: 2,
      turns: 1,
      parent_id: idOf(11),
      helper: true,
      ended: { at: iso(90), how: 'finished' },
      last_turn: completed('No objection.', 90),
    }),
    session({
      n: 15,
      title: 'Profile the ingest worker',
      project: 'tidewatch',
      git_branch: 'perf/ingest',
      status: 'unknown',
      since: 1150,
      used: 64_000,
      full: 21,
      turns: 3,
      model: 'gpt-5.5',
    }),
    session({
      n: 16,
      title: 'Review the settlement export',
      project: 'ledger-api',
      status: 'done',
      since: 1330,
      used: 203_000,
      full: 60,
      turns: 4,
      ended: { at: iso(1330), how: 'finished' },
      last_turn: completed('3 findings, 1 of them serious', 1330),
    }),
    session({
      n: 17,
      title: 'Compact the raw event store',
      project: 'tidewatch',
      git_branch: 'chore/compact',
      status: 'done',
      since: 2900,
      used: 49_000,
      full: 18,
      turns: 2,
      model: 'gpt-5.5',
      activity: 'dbt build',
      ended: { at: iso(2900), how: 'killed' },
    }),
    session({
      n: 18,
      title: 'Accessible names for the icon buttons',
      project: 'atlas-web',
      git_branch: 'fix/a11y-names',
      status: 'done',
      since: 4100,
      used: 77_000,
      full: 25,
      turns: 6,
      ended: { at: iso(4100), how: 'closed' },
      last_turn: completed('24 buttons named, axe reports 0 issues', 4100),
    }),
  ];
}
