/** The one clock of the window: every time on the page ticks from it. */

const TICK_MS = 1000;
const MINUTE_MS = 60_000;
/** The slow hand moves every so many milliseconds. */
const SLOW_MS = 10_000;

/** Ticks once a second while the page can be seen. */
export class Clock {
  now = $state(Date.now());
  /** The same time, told less often, for what is shown in minutes or more. */
  slow = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | null = null;

  /** Returns how long ago `at` was; after its first minute it is told less often. */
  since(at: number): number {
    return (this.slow - at < MINUTE_MS ? this.now : this.slow) - at;
  }

  /** Starts ticking; returns how to stop. */
  start(): () => void {
    const follow = (): void => {
      if (document.hidden) this.#stop();
      else this.#run();
    };
    document.addEventListener('visibilitychange', follow);
    follow();
    return () => {
      document.removeEventListener('visibilitychange', follow);
      this.#stop();
    };
  }

  #run(): void {
    if (this.#timer !== null) return;
    this.#tick();
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  #tick(): void {
    this.now = Date.now();
    if (Math.abs(this.now - this.slow) >= SLOW_MS) this.slow = this.now;
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
