/** Names the homes of agents that have several. */
import type { LiveSession } from '../bindings/LiveSession';

/** What is needed of a session to name its home. */
type Housed = Pick<LiveSession, 'source' | 'home'>;

/** Returns a short name for each home of an agent with several; none for an agent with one. */
export function nameHomes(sessions: Iterable<Housed>): Map<string, string> {
  const homes = new Map<string, Set<string>>();
  for (const { source, home } of sessions) {
    if (home === null) continue;
    const known = homes.get(source) ?? new Set();
    homes.set(source, known.add(home));
  }
  const names = new Map<string, string>();
  for (const known of homes.values()) {
    if (known.size < 2) continue;
    for (const home of known) names.set(home, shortest(home, known));
  }
  return names;
}

/** Returns the fewest last parts of a path that no other one ends in. */
function shortest(home: string, all: ReadonlySet<string>): string {
  const parts = home.split(/[\\/]/).filter((part) => part !== '');
  for (let n = 1; n <= parts.length; n += 1) {
    const name = parts.slice(-n).join('/');
    const ends = [...all].filter((other) => `/${other}`.endsWith(`/${name}`));
    if (ends.length === 1) return name;
  }
  return home;
}
