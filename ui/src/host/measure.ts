/** Counts the frames of the page while a recording plays, for `npm run bench:ui`. */

/** Frames longer than this are felt. */
const LONG_FRAME_MS = 50;
/** The first snapshot is drawn before the counting starts. */
const WARM_UP_MS = 2000;

/** Counts for `seconds` and sends the result to the page's server. */
export function measureFrames(seconds: number): void {
  const gaps: number[] = [];
  const tasks: number[] = [];
  const watcher = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push(entry.duration);
  });
  setTimeout(() => {
    watcher.observe({ type: 'longtask' });
    const start = performance.now();
    let last = start;
    const frame = (now: number): void => {
      gaps.push(now - last);
      last = now;
      if (now - start < seconds * 1000) requestAnimationFrame(frame);
      else void send(gaps.slice(1), tasks);
    };
    requestAnimationFrame(frame);
  }, WARM_UP_MS);
}

async function send(gaps: readonly number[], tasks: readonly number[]): Promise<void> {
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 10) / 10;
  await fetch('/measured', {
    method: 'POST',
    body: JSON.stringify({
      frames: gaps.length,
      p50_frame_ms: at(0.5),
      p99_frame_ms: at(0.99),
      longest_frame_ms: at(1),
      long_frames: gaps.filter((gap) => gap > LONG_FRAME_MS).length,
      long_tasks: tasks.length,
      longest_task_ms: Math.round(Math.max(0, ...tasks)),
      elements: document.querySelectorAll('*').length,
    }),
  });
}
