import * as Guacamole from '@glokon/guacamole-common-js';

export interface KeyboardTargets {
  readonly key: (pressed: 0 | 1, keysym: number) => void;
  readonly paste: (text: string) => void;
  /** Ctrl+Alt+Shift: the person wants the keyboard back. */
  readonly release: () => void;
}

const metaAsSuper: ReadonlyMap<number, number> = new Map([
  [0xffe7, 0xffeb],
  [0xffe8, 0xffec],
]);
const modifiers = new Set(['Control', 'Alt', 'Shift']);

/**
 * Keys, composed text and the real paste event of a text area that lies over the session. Everything typed goes to
 * the session but three things: what the browser must turn into a paste event, what an input method is composing,
 * and the keys that release the keyboard.
 */
export class KeyboardInput {
  readonly #element: HTMLTextAreaElement;
  readonly #targets: KeyboardTargets;
  readonly #keyboard: Guacamole.Keyboard;
  readonly #end = new AbortController();

  constructor(element: HTMLTextAreaElement, targets: KeyboardTargets) {
    this.#element = element;
    this.#targets = targets;
    const { signal } = this.#end;
    // Before Guacamole's own listener: what is stopped here it must not see.
    element.addEventListener('keydown', (event) => this.#sift(event), { capture: true, signal });
    element.addEventListener('paste', (event) => this.#paste(event), { signal });
    element.addEventListener('blur', () => this.#keyboard.reset(), { signal });
    element.addEventListener('input', () => this.#empty(), { signal });
    element.addEventListener('compositionend', () => this.#empty(), { signal });
    this.#keyboard = new Guacamole.Keyboard(element);
    this.#keyboard.onkeydown = (keysym) => targets.key(1, asMachineKey(keysym));
    this.#keyboard.onkeyup = (keysym) => targets.key(0, asMachineKey(keysym));
  }

  /** Lets go of every key that the session believes is down. */
  reset(): void {
    this.#keyboard.reset();
  }

  close(): void {
    this.#keyboard.reset();
    this.#keyboard.onkeydown = null;
    this.#keyboard.onkeyup = null;
    this.#end.abort();
  }

  #sift(event: KeyboardEvent): void {
    if (isPasteKey(event)) return event.stopImmediatePropagation();
    if (modifiers.has(event.key) && event.ctrlKey && event.altKey && event.shiftKey) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#keyboard.reset();
      this.#targets.release();
    }
  }

  #paste(event: ClipboardEvent): void {
    event.preventDefault();
    // The person still holds Ctrl; the session would see it together with the keys of the paste.
    this.#keyboard.reset();
    this.#targets.paste(event.clipboardData?.getData('text/plain') ?? '');
  }

  #empty(): void {
    this.#element.value = '';
  }
}

/** Ctrl+V, Ctrl+Shift+V, Cmd+V, Shift+Insert: left to the browser, which answers with a paste event. */
function isPasteKey(event: KeyboardEvent): boolean {
  if (event.altKey) return false;
  const withCommand = event.ctrlKey || event.metaKey;
  return (withCommand && event.code === 'KeyV') || (event.shiftKey && !withCommand && event.key === 'Insert');
}

/** The key that browsers call Meta is Super to X11 and the Windows key to Windows. */
function asMachineKey(keysym: number): number {
  return metaAsSuper.get(keysym) ?? keysym;
}
