/** What the recording shows beside its sessions: a crowd to measure with, and a health report. */
import type { HealthReport } from '../bindings/HealthReport';
import type { LiveSession } from '../bindings/LiveSession';
import type { Status } from '../bindings/Status';
import { completed, iso, need, recordAt, session } from './recorded-sessions';

const CROWD: readonly Status[] = [
  'working',
  'working',
  'working',
  'paused',
  'paused',
  'done',
  'done',
  'unknown',
];

/** Returns `n` sessions of many projects, to see how the window bears them. */
export function crowd(n: number): LiveSession[] {
  recordAt(Date.now());
  return Array.from({ length: n }, (_, index) => {
    const status = index < 3 ? 'needs_you' : (CROWD[index % CROWD.length] ?? 'working');
    return session({
      n: index + 100,
      title: `Session ${index + 1}: move the ${['parser', 'router', 'store', 'exporter'][index % 4] ?? ''} to the new interface`,
      project: `project-${String((index % 12) + 1).padStart(2, '0')}`,
      status,
      since: 30 + index * 7,
      used: 9000 + index * 311,
      full: (index * 13) % 100,
      turns: (index % 9) + 1,
      activity: status === 'working' ? 'Running cargo test' : null,
      need: status === 'needs_you' ? need('Run this command?\ncargo publish --dry-run') : null,
      ended: status === 'done' ? { at: iso(30 + index * 7), how: 'finished' } : null,
      last_turn:
        status === 'paused' || status === 'done'
          ? completed('Everything builds, all tests pass.', 30)
          : null,
    });
  });
}

/** Returns a health report with one thing to do. */
export function recordedReport(): HealthReport {
  return {
    version: '0.1.0',
    checks: [
      {
        id: 'codex',
        label: 'Codex sessions',
        state: 'ok',
        says: '1,204 found in `~/.codex`, 7 live, newest line 0.3 s ago',
        hint: null,
        evidence: null,
      },
      {
        id: 'watches',
        label: 'File watches',
        state: 'warning',
        says: '8,192 of 8,192 used. Folders above the limit are checked every 5 s.',
        hint: 'Raise it: `sudo sysctl fs.inotify.max_user_watches=524288`.',
        evidence: null,
      },
      {
        id: 'socket',
        label: 'Codex live protocol',
        state: 'absent',
        says: 'No daemon runs; one that ended left its control socket.',
        hint: null,
        evidence: {
          source: 'codex',
          from: 'live_protocol',
          home: '/home/dev/.codex',
          supply: 'stale',
          latest_at: null,
          versions: [],
          unknown_kinds: [],
        },
      },
      {
        id: 'notifications',
        label: 'Notifications',
        state: 'ok',
        says: 'delivered by the desktop, actions supported',
        hint: null,
        evidence: null,
      },
      {
        id: 'tray',
        label: 'Tray',
        state: 'ok',
        says: 'host found, icon registered',
        hint: null,
        evidence: null,
      },
      {
        id: 'store',
        label: 'Store',
        state: 'ok',
        says: '`mission-control.db`, 3.1 MB, written 4 s ago',
        hint: null,
        evidence: null,
      },
      {
        id: 'skipped',
        label: 'Skipped lines',
        state: 'ok',
        says: 'none today',
        hint: null,
        evidence: null,
      },
    ],
  };
}
