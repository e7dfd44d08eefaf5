import type { Uid } from '../../../protocol/uid.ts';

/** What a device remembers of its things of one kind, by row: each is made when it is asked for. */
export interface Loaded<T> {
  readonly count: number;
  at(row: number): T;
  /** -1 when it is not there. */
  rowOf(uid: Uid): number;
}

/** What was loaded, and beside it what changed since: tens of thousands of things that nobody asks for are never made. */
export class LoadedMap<T extends { readonly uid: Uid }, L extends Loaded<T> = Loaded<T>> {
  readonly #none: L;
  #loaded: L;
  /** 1 for each row that is another one by now, or gone. */
  #dead = new Uint8Array(0);
  readonly #changed = new Map<Uid, T>();

  constructor(none: L) {
    this.#none = none;
    this.#loaded = none;
  }

  /** As it was loaded: some of its rows are others by now. */
  get loaded(): L {
    return this.#loaded;
  }

  load(loaded: L): void {
    this.#loaded = loaded;
    this.#dead = new Uint8Array(loaded.count);
    this.#changed.clear();
  }

  clear(): void {
    this.load(this.#none);
  }

  get(uid: Uid): T | null {
    const changed = this.#changed.get(uid);
    if (changed) return changed;
    const row = this.#loaded.rowOf(uid);
    return row < 0 || this.#dead[row] === 1 ? null : this.#loaded.at(row);
  }

  set(thing: T): void {
    this.#bury(thing.uid);
    this.#changed.set(thing.uid, thing);
  }

  /** Whether it was there. */
  delete(uid: Uid): boolean {
    const was = this.#bury(uid);
    return this.#changed.delete(uid) || was;
  }

  *values(): Iterable<T> {
    for (let row = 0; row < this.#dead.length; row++) if (this.#dead[row] === 0) yield this.#loaded.at(row);
    yield* this.#changed.values();
  }

  /** Those of the loaded rows that are still true, and what changed since and is such. */
  *among(rows: Iterable<number>, isSuch: (thing: T) => boolean): Iterable<T> {
    for (const row of rows) if (this.#dead[row] === 0) yield this.#loaded.at(row);
    for (const thing of this.#changed.values()) if (isSuch(thing)) yield thing;
  }

  /** Whether the row was still true. */
  #bury(uid: Uid): boolean {
    const row = this.#loaded.rowOf(uid);
    if (row < 0 || this.#dead[row] === 1) return false;
    this.#dead[row] = 1;
    return true;
  }
}
