const clearAfterSeconds = 30;

/** Copies secrets and takes them back: after 30 seconds, or as soon as the browser allows, it is emptied. */
export class SecretClipboard {
  /** What was copied, while the countdown runs. */
  copied = $state<string | null>(null);
  secondsLeft = $state(0);
  /** The time is up and the browser lets nobody write: it is emptied when the person is back on this page. */
  waiting = $state(false);
  #value = '';
  #timer: ReturnType<typeof setInterval> | null = null;

  /** Throws what the browser throws when it allows no clipboard. */
  async copy(label: string, value: string): Promise<void> {
    await navigator.clipboard.writeText(value);
    this.#stop();
    this.#value = value;
    this.copied = label;
    this.secondsLeft = clearAfterSeconds;
    this.#timer = setInterval(() => this.#tick(), 1_000);
    window.addEventListener('pagehide', this.#leave);
  }

  /** Empties the clipboard now if it still holds our value. */
  async clear(): Promise<void> {
    const value = this.#value;
    if (value === '') return;
    this.#stopCounting();
    const foreign = await holdsSomethingElse(value);
    if (value !== this.#value) return; // copied anew meanwhile
    const done = foreign || (await empty());
    if (value !== this.#value) return;
    if (done) this.#stop();
    else this.#wait();
  }

  #tick(): void {
    this.secondsLeft -= 1;
    if (this.secondsLeft <= 0) void this.clear();
  }

  #stop(): void {
    this.#stopCounting();
    for (const sign of signsOfReturn) window.removeEventListener(sign, this.#retry, true);
    window.removeEventListener('pagehide', this.#leave);
    this.#value = '';
    this.copied = null;
    this.waiting = false;
  }

  #stopCounting(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.secondsLeft = 0;
  }

  #wait(): void {
    this.waiting = true;
    for (const sign of signsOfReturn) window.addEventListener(sign, this.#retry, true);
  }

  readonly #retry = (): void => void this.clear();
  /** The last chance, without a promise: a closing page is not waited for. */
  readonly #leave = (): void => void empty();
}

/** Browsers let a page write with focus; some only right after a click or a key. */
const signsOfReturn = ['focus', 'pointerdown', 'keydown'] as const;

/** Whether the browser let us. */
function empty(): Promise<boolean> {
  return navigator.clipboard.writeText('').then(
    () => true,
    () => false,
  );
}

/** Only where reading is already allowed: asking for it now would be a prompt out of nowhere. */
async function holdsSomethingElse(value: string): Promise<boolean> {
  try {
    const permission = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName });
    return permission.state === 'granted' && (await navigator.clipboard.readText()) !== value;
  } catch {
    return false; // a browser that knows no such permission: emptying is the safe side
  }
}
