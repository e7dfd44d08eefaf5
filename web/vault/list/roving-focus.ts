interface RovingList {
  count(): number;
  at(): number;
  /** Makes that entry the reachable one and brings it into view. */
  move(to: number): void;
  element(at: number): HTMLElement | null;
}

const pageRows = 10;
/** After a second at the latest nobody waits for the focus any more. */
const mostFrames = 60;

/** Arrow keys, Home, End and Page keys move the focus in a list whose entries may not be drawn yet. */
export class RovingFocus {
  readonly #list: RovingList;
  #wanted = -1;

  constructor(list: RovingList) {
    this.#list = list;
  }

  onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = this.#target(event.key);
    if (to === null) return;
    event.preventDefault();
    this.focus(to);
  }

  focus(to: number): void {
    const last = this.#list.count() - 1;
    if (last < 0) return;
    const clamped = Math.max(0, Math.min(last, to));
    this.#list.move(clamped);
    this.#wanted = clamped;
    this.#focusOnceDrawn(clamped, document.activeElement, 0);
  }

  /** Far away it is drawn after the scroll, and nothing can be focused before the virtualizer has measured it. */
  #focusOnceDrawn(to: number, from: Element | null, frame: number): void {
    const { activeElement } = document;
    const movedOn = activeElement !== from && activeElement !== document.body;
    if (this.#wanted !== to || movedOn) return;
    const element = this.#list.element(to);
    element?.focus({ preventScroll: frame === 0 });
    if ((element !== null && element === document.activeElement) || frame === mostFrames) return;
    requestAnimationFrame(() => this.#focusOnceDrawn(to, from, frame + 1));
  }

  #target(key: string): number | null {
    const at = this.#list.at();
    switch (key) {
      case 'ArrowDown':
        return at + 1;
      case 'ArrowUp':
        return at - 1;
      case 'PageDown':
        return at + pageRows;
      case 'PageUp':
        return at - pageRows;
      case 'Home':
        return 0;
      case 'End':
        return this.#list.count() - 1;
      default:
        return null;
    }
  }
}
