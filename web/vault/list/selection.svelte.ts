import { SvelteSet } from 'svelte/reactivity';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordList } from './record-list.svelte.ts';

/** The records that bulk actions are about. */
export class Selection {
  readonly #list: RecordList;
  readonly #uids = new SvelteSet<Uid>();
  /** Where a range begins. */
  #anchor: number | null = null;

  constructor(list: RecordList) {
    this.#list = list;
  }

  get size(): number {
    return this.#uids.size;
  }

  get uids(): readonly Uid[] {
    return [...this.#uids];
  }

  has(uid: Uid): boolean {
    return this.#uids.has(uid);
  }

  /** One row, in or out. */
  toggle(index: number): void {
    const row = this.#list.row(index);
    if (row === null) return;
    this.#anchor = index;
    if (!this.#uids.delete(row.uid)) this.#uids.add(row.uid);
  }

  /** Every row from the last one that was chosen to this one. */
  async extendTo(index: number): Promise<void> {
    const from = this.#anchor ?? index;
    await this.#add(Math.min(from, index), Math.max(from, index));
  }

  async all(): Promise<void> {
    await this.#add(0, this.#list.total - 1);
  }

  clear(): void {
    this.#anchor = null;
    this.#uids.clear();
  }

  async #add(from: number, to: number): Promise<void> {
    for (const uid of await this.#list.uidsBetween(from, to)) this.#uids.add(uid);
  }
}
