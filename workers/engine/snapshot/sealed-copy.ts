import type { LocalCopy, VaultStorage } from '../storage.ts';

/** What this device has stored, read before anybody unlocks it. Sealed as it is, it opens nothing: it takes memory and no more. */
export class SealedCopy {
  readonly #storage: Pick<VaultStorage, 'readCopy' | 'copyStamp'>;
  #ahead: Promise<LocalCopy | null> | null = null;

  constructor(storage: Pick<VaultStorage, 'readCopy' | 'copyStamp'>) {
    this.#storage = storage;
  }

  /** Reads it, for the next unlock. */
  prepare(): void {
    this.#ahead ??= this.#storage.readCopy().catch(() => null); // told to whoever takes it
  }

  /** As it is stored at this moment: read again when it was changed since. Both are asked for before a key is derived. */
  async take(): Promise<LocalCopy> {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead === null) return await this.#storage.readCopy();
    const [copy, stamp] = await Promise.all([ahead, this.#storage.copyStamp()]);
    return copy?.stamp === stamp ? copy : await this.#storage.readCopy();
  }

  /** Nobody will unlock it. */
  drop(): void {
    this.#ahead = null;
  }
}
