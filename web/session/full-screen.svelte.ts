interface KeyboardLock {
  lock?(keys?: readonly string[]): Promise<void>;
  unlock?(): void;
}

/**
 * Full screen for the sessions, with every key for the machine where the browser has the Keyboard Lock API: Escape,
 * Alt Tab and the Windows key too, and a held Escape leaves. It is the whole page that fills the screen, because menus,
 * questions and messages lie beside the session in it.
 */
export class FullScreen {
  on = $state(false);
  /** Whether Escape and the system's keys go to the machine, too. */
  keysHeld = $state(false);
  /** Lately entered: how to leave it is said. */
  entered = $state(false);

  /** Follows the browser, which leaves full screen by its own key too. */
  watch(): () => void {
    const onChange = () => {
      this.on = document.fullscreenElement !== null;
      if (!this.on) this.#released();
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }

  async toggle(): Promise<void> {
    if (document.fullscreenElement !== null) return document.exitFullscreen();
    await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
    this.keysHeld = await holdKeys();
    this.entered = true;
  }

  /** There is no session any more. */
  leave(): void {
    this.#released();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {}); // left already
  }

  #released(): void {
    keyboardLock()?.unlock?.();
    this.keysHeld = false;
    this.entered = false;
  }
}

/** False where the browser cannot or may not: those keys stay its own. */
async function holdKeys(): Promise<boolean> {
  const keyboard = keyboardLock();
  if (keyboard?.lock === undefined) return false;
  return keyboard.lock().then(
    () => true,
    () => false,
  );
}

function keyboardLock(): KeyboardLock | undefined {
  return (navigator as { keyboard?: KeyboardLock }).keyboard;
}
