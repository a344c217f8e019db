/** Keeps a scrolled frame at its end, until somebody scrolls up. */
import type { Attachment } from 'svelte/attachments';

/** So close to the end counts as reading the end. */
const NEAR_PX = 48;

/** A frame that follows the end of its content. */
export class Follower {
  follows = $state(true);
  #frame: HTMLElement | null = null;

  /** Belongs on the element that scrolls. */
  readonly frame: Attachment<HTMLElement> = (element) => {
    this.#frame = element;
    const scrolled = (): void => {
      this.follows = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    };
    element.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      element.removeEventListener('scroll', scrolled);
      this.#frame = null;
    };
  };

  /** Belongs on the content that grows. */
  readonly content: Attachment<HTMLElement> = (element) => {
    const watcher = new ResizeObserver(() => {
      if (this.follows) this.toEnd();
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
    };
  };

  /** Goes to the end and follows it again. */
  readonly toEnd = (): void => {
    if (this.#frame !== null) this.#frame.scrollTop = this.#frame.scrollHeight;
  };
}
