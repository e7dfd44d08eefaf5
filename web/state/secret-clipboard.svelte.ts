const clearAfterSeconds = 30;

/** Copies secrets and takes them back: after 30 seconds the clipboard is emptied if it still holds our value. */
export class SecretClipboard {
  /** What was copied, while the countdown runs. */
  copied = $state<string | null>(null);
  secondsLeft = $state(0);
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
  }

  /** Empties the clipboard now if it still holds our value. */
  async clear(): Promise<void> {
    const value = this.#value;
    this.#stop();
    if (value === '') return;
    if (!document.hasFocus()) await nextFocus();
    if (await holdsSomethingElse(value)) return;
    await navigator.clipboard.writeText('').catch(() => {
      // A browser that takes the permission back leaves nothing that a page could do.
    });
  }

  #tick(): void {
    this.secondsLeft -= 1;
    if (this.secondsLeft <= 0) void this.clear();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#value = '';
    this.copied = null;
    this.secondsLeft = 0;
  }
}

/** A page without focus may not write to the clipboard. */
function nextFocus(): Promise<unknown> {
  return new Promise((resolve) => window.addEventListener('focus', resolve, { once: true }));
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
