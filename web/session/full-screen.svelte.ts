interface KeyboardLock {
  lock?(keys?: readonly string[]): Promise<void>;
  unlock?(): void;
}

/** Full screen, with the keys that the browser would keep for itself where it allows that. */
export class FullScreen {
  on = $state(false);

  /** Follows the browser, which leaves full screen by its own key too. */
  watch(): () => void {
    const onChange = () => {
      this.on = document.fullscreenElement !== null;
      if (!this.on) keyboardLock()?.unlock?.();
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }

  async toggle(element: HTMLElement): Promise<void> {
    if (document.fullscreenElement !== null) return document.exitFullscreen();
    await element.requestFullscreen();
    await keyboardLock()
      ?.lock?.(['Escape', 'Tab', 'AltLeft', 'AltRight', 'KeyW', 'KeyN', 'KeyT'])
      .catch(() => {
        // Not granted: those keys stay the browser's, as outside full screen.
      });
  }
}

function keyboardLock(): KeyboardLock | undefined {
  return (navigator as { keyboard?: KeyboardLock }).keyboard;
}
