/** Copies text and says for a moment that it did. */

const SAY_MS = 2000;

/** The clipboard as buttons see it. */
export class Copier {
  /** What was copied a moment ago. */
  copied = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Copies `text`. */
  async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyThroughSelection(text);
    }
    this.copied = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.copied = null;
    }, SAY_MS);
  }
}

/** WebKitGTK refuses the clipboard interface on some custom protocols; a selection always works. */
function copyThroughSelection(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
}
