import * as Guacamole from '@glokon/guacamole-common-js';
import { keysyms } from '../special-keys.ts';
import { keysymOf } from './key-layouts.ts';

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
/** What a composition brings about is typed when it ends. */
const composed = new Set(['insertCompositionText', 'insertFromComposition', 'deleteCompositionText']);

/**
 * Keys, composed text and the real paste event of a text area that lies over the session. Everything typed goes to
 * the session but three things: what the browser must turn into a paste event, what an input method is composing,
 * and the keys that release the keyboard.
 *
 * Keys are Guacamole's to read. Text that comes without keys, from input methods, dead keys and the keyboards of phones, is
 * read here: Guacamole hears of no such text any more once there was a composition, and a text area that is emptied while
 * an input method composes in it breaks what is composed.
 */
export class KeyboardInput {
  readonly #element: HTMLTextAreaElement;
  readonly #targets: KeyboardTargets;
  readonly #keyboard: Guacamole.Keyboard;
  readonly #end = new AbortController();

  constructor(element: HTMLTextAreaElement, targets: KeyboardTargets) {
    this.#element = element;
    this.#targets = targets;
    const options = { capture: true, signal: this.#end.signal };
    // Before Guacamole's own listeners: what is stopped here they must not see.
    element.addEventListener('keydown', (event) => this.#sift(event), options);
    element.addEventListener('paste', (event) => this.#paste(event), options);
    element.addEventListener('blur', () => this.#keyboard.reset(), options);
    element.addEventListener('input', (event) => this.#take(event as InputEvent), options);
    element.addEventListener('compositionstart', (event) => event.stopImmediatePropagation(), options);
    element.addEventListener('compositionend', (event) => this.#compose(event), options);
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
    // A dead key is the browser's to combine: what comes of it arrives as text or with the next key.
    if (isPasteKey(event) || event.key === 'Dead') return event.stopImmediatePropagation();
    if (isRelease(event)) {
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

  #take(event: InputEvent): void {
    event.stopImmediatePropagation();
    if (event.isComposing || composed.has(event.inputType)) return;
    if (event.inputType === 'deleteContentBackward') this.#press(keysyms.backspace);
    else if (event.inputType === 'insertLineBreak') this.#press(keysyms.enter);
    else this.#type(event.data ?? '');
    this.#element.value = '';
  }

  #compose(event: CompositionEvent): void {
    event.stopImmediatePropagation();
    this.#type(event.data);
    this.#element.value = '';
  }

  /** By whole characters: half of an emoji is a key to nobody. */
  #type(text: string): void {
    for (const character of text) this.#press(character === '\n' ? keysyms.enter : keysymOf(character));
  }

  #press(keysym: number): void {
    this.#targets.key(1, keysym);
    this.#targets.key(0, keysym);
  }
}

/** AltGr is Ctrl and Alt together for some systems, and Shift with it a character of its own. */
function isRelease(event: KeyboardEvent): boolean {
  if (event.getModifierState('AltGraph')) return false;
  return modifiers.has(event.key) && event.ctrlKey && event.altKey && event.shiftKey;
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
