/** Says when the work of a frame is done, and keeps rows at their places while somebody is on them. */

/** When to do the work of a frame, and what time it is; tests bring their own. */
export interface Pace {
  now(): number;
  soon(work: () => void): void;
  later(work: () => void, ms: number): void;
}

/** How long a list keeps still after the pointer or a key moved on it. */
const REST_MS = 2000;

/** Works once per frame; while the page is hidden and has no frames, four times a second. */
export function framePace(): Pace {
  return {
    now: () => performance.now(),
    soon: (work) => {
      let done = false;
      const once = (): void => {
        if (done) return;
        done = true;
        work();
      };
      requestAnimationFrame(once);
      setTimeout(once, 250);
    },
    later: (work, ms) => {
      setTimeout(work, ms);
    },
  };
}

/** Puts a rearrangement off until nobody is on the list. */
export class Stillness {
  readonly #pace: Pace;
  readonly #rearrange: () => void;
  #heldUntil = 0;
  #asked = false;

  constructor(pace: Pace, rearrange: () => void) {
    this.#pace = pace;
    this.#rearrange = rearrange;
  }

  /** Keeps rows at their places a while longer: somebody is on the list. */
  touch(): void {
    this.#heldUntil = this.#pace.now() + REST_MS;
  }

  /** Lets rows move: nobody is on the list any more. */
  release(): void {
    this.#heldUntil = 0;
    if (this.#asked) this.rearrange();
  }

  /** Rearranges at once. */
  rearrange(): void {
    this.#asked = false;
    this.#rearrange();
  }

  /** Rearranges as soon as nobody is on the list. */
  rearrangeWhenStill(): void {
    this.#asked = true;
    const wait = this.#heldUntil - this.#pace.now();
    if (wait <= 0) {
      this.rearrange();
    } else {
      this.#pace.later(() => {
        if (this.#asked) this.rearrangeWhenStill();
      }, wait);
    }
  }
}
