/** Shorter texts are in every line by chance. */
const shortest = 6;
const most = 4096;

/** Knows the secrets of this process and takes them out of any text. */
export class Scrubber {
  readonly #secrets = new Set<string>();

  /** From now on, no line shows this text. The oldest is forgotten beyond the bound. */
  register(secret: string): void {
    if (secret.length < shortest) return;
    this.#secrets.add(secret);
    const [oldest] = this.#secrets;
    if (this.#secrets.size > most && oldest !== undefined) this.#secrets.delete(oldest);
  }

  scrub(text: string): string {
    let out = text;
    for (const secret of this.#secrets) if (out.includes(secret)) out = out.replaceAll(secret, '[secret]');
    return out;
  }
}
