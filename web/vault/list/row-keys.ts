import type { Uid } from '../../../protocol/uid.ts';

/**
 * Keys of a list's first rows: a record that stays keeps its element, and one that comes takes over the element of one that
 * goes, which costs a fraction of making it. The element that has the focus goes to nobody else.
 */
export class RowKeys {
  #keys: ReadonlyMap<Uid, string> = new Map();
  #made = 0;

  assign(uids: readonly Uid[]): void {
    const staying = new Set<string | undefined>(uids);
    staying.add(document.activeElement?.getAttribute('data-record') ?? undefined);
    const free = [...this.#keys].filter(([uid]) => !staying.has(uid)).map(([, key]) => key);
    let taken = 0;
    this.#keys = new Map(
      uids.map((uid) => [uid, this.#keys.get(uid) ?? free[taken++] ?? `row-key-${this.#made++}`]),
    );
  }

  /** Of what is further below its UID. */
  of(uid: Uid): string {
    return this.#keys.get(uid) ?? uid;
  }
}
