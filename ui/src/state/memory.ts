/** Keeps small choices of the window between two openings. */

const PREFIX = 'mission-control.';

/** Returns what was kept under `key`, or null. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** Keeps `value` under `key`; where the page may not store anything, the choice lasts as long as the window. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    return;
  }
}
