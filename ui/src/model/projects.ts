/** Counts the sessions of each project. */
import type { LiveSession } from '../bindings/LiveSession';

/** How many sessions of a project stand where. */
export interface ProjectTally {
  readonly project: string;
  readonly needs_you: number;
  readonly paused: number;
  readonly working: number;
}

/** Returns the projects with open sessions, by name; helper threads and sub-agents are not counted. */
export function tallyProjects(sessions: Iterable<LiveSession>): ProjectTally[] {
  const tallies = new Map<
    string,
    { project: string; needs_you: number; paused: number; working: number }
  >();
  for (const session of sessions) {
    if (session.helper || session.parent_id !== null || session.project === null) continue;
    if (session.status === 'done' || session.status === 'unknown') continue;
    let tally = tallies.get(session.project);
    if (tally === undefined) {
      tally = { project: session.project, needs_you: 0, paused: 0, working: 0 };
      tallies.set(session.project, tally);
    }
    tally[session.status] += 1;
  }
  return [...tallies.values()].sort((a, b) => a.project.localeCompare(b.project));
}
