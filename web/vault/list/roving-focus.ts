interface RovingList {
  count(): number;
  at(): number;
  /** Makes that entry the reachable one and brings it into view. */
  move(to: number): void;
  element(at: number): HTMLElement | null;
}

const pageRows = 10;

/** Arrow keys, Home, End and Page keys move the focus in a list whose entries may not be drawn yet. */
export class RovingFocus {
  readonly #list: RovingList;

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
    const present = this.#list.element(clamped);
    if (present !== null) present.focus({ preventScroll: true });
    // Far away it is drawn by the next frames, after the scroll.
    else requestAnimationFrame(() => requestAnimationFrame(() => this.#list.element(clamped)?.focus()));
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
