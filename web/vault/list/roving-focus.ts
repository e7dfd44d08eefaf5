interface RovingList {
  count(): number;
  at(): number;
  /** Makes that entry the reachable one and brings it into view. */
  move(to: number): void;
  element(at: number): HTMLElement | null;
  /** Takes the focus until the entry can: what is typed meanwhile is for the list. */
  hold(): void;
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
    if (focusOn(this.#list.element(clamped), true)) return;
    this.#list.hold();
    this.#focusOnceDrawn(clamped, document.activeElement, mostFrames);
  }

  /** Far away it is drawn after the scroll, and nothing can be focused before the virtualizer has measured it. */
  #focusOnceDrawn(to: number, from: Element | null, frames: number): void {
    requestAnimationFrame(() => {
      const { activeElement } = document;
      const movedOn = activeElement !== from && activeElement !== document.body;
      if (this.#wanted !== to || movedOn || focusOn(this.#list.element(to), false) || frames === 0) return;
      this.#focusOnceDrawn(to, from, frames - 1);
    });
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

/** Whether it has the focus now. */
function focusOn(element: HTMLElement | null, preventScroll: boolean): boolean {
  element?.focus({ preventScroll });
  return element !== null && element === document.activeElement;
}
