import type { PamResources } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Covered, KnownRecord } from '../records/known-record.ts';
import type { MachineLinks, RecordEntry } from '../records/record-entry.ts';

export const recordFlags = { deleted: 1, proved: 2, launchOnly: 4, readable: 8, launchable: 16 } as const;

/** What few records have, by their place. */
export interface Sparse {
  readonly machines: readonly (readonly [number, Uid | null, Uid | null])[];
  readonly pins: readonly (readonly [number, PamResources])[];
  readonly parents: readonly (readonly [number, Uid])[];
  readonly covered: readonly (readonly [number, Covered])[];
  readonly trashed: readonly (readonly [number, number])[];
}

/** A column that is taken apart when it is first looked at. */
export type TextColumn = () => readonly string[];

export interface RecordColumns {
  readonly uids: readonly Uid[];
  readonly owners: readonly Uid[];
  readonly types: readonly string[];
  readonly ownerOf: Float64Array;
  readonly typeOf: Float64Array;
  readonly revisions: Float64Array;
  readonly keyVersions: Float64Array;
  readonly changed: Float64Array;
  readonly flags: Float64Array;
  readonly tags: TextColumn;
  readonly titles: TextColumn;
  readonly logins: TextColumn;
  readonly hosts: TextColumn;
  readonly urls: TextColumn;
  readonly machines: ReadonlyMap<number, Sparse['machines'][number]>;
  readonly pins: ReadonlyMap<number, PamResources>;
  readonly parents: ReadonlyMap<number, Uid>;
  readonly covered: ReadonlyMap<number, Covered>;
  readonly trashed: ReadonlyMap<number, number>;
}

/**
 * A record of a snapshot: a place in its columns. 50,000 of these are there in a few milliseconds, and most of what they
 * say is never asked for.
 */
export class StoredRecord implements KnownRecord {
  readonly #columns: RecordColumns;
  readonly #at: number;
  #entry: StoredEntry | null = null;

  constructor(columns: RecordColumns, at: number) {
    this.#columns = columns;
    this.#at = at;
  }

  get uid(): Uid {
    return this.#columns.uids[this.#at] as Uid;
  }

  get ownerUid(): Uid {
    return this.#columns.owners[this.#columns.ownerOf[this.#at] ?? 0] as Uid;
  }

  get revision(): number {
    return this.#columns.revisions[this.#at] ?? 0;
  }

  get keyVersion(): number {
    return this.#columns.keyVersions[this.#at] ?? 0;
  }

  get deleted(): boolean {
    return has(this.#columns, this.#at, recordFlags.deleted);
  }

  get tag(): string {
    return this.#columns.tags()[this.#at] ?? '';
  }

  get covered(): Covered | null {
    return this.#columns.covered.get(this.#at) ?? null;
  }

  get trashedAt(): number | null {
    return this.#columns.trashed.get(this.#at) ?? null;
  }

  get proved(): boolean {
    return has(this.#columns, this.#at, recordFlags.proved);
  }

  get entry(): RecordEntry | null {
    if (!has(this.#columns, this.#at, recordFlags.readable)) return null;
    return (this.#entry ??= new StoredEntry(this.#columns, this.#at));
  }
}

class StoredEntry implements RecordEntry {
  readonly #columns: RecordColumns;
  readonly #at: number;

  constructor(columns: RecordColumns, at: number) {
    this.#columns = columns;
    this.#at = at;
  }

  get uid(): Uid {
    return this.#columns.uids[this.#at] as Uid;
  }

  get ownerUid(): Uid {
    return this.#columns.owners[this.#columns.ownerOf[this.#at] ?? 0] as Uid;
  }

  get type(): string {
    return this.#columns.types[this.#columns.typeOf[this.#at] ?? 0] ?? '';
  }

  get title(): string {
    return this.#columns.titles()[this.#at] ?? '';
  }

  get login(): string {
    return this.#columns.logins()[this.#at] ?? '';
  }

  get host(): string {
    return this.#columns.hosts()[this.#at] ?? '';
  }

  get url(): string {
    return this.#columns.urls()[this.#at] ?? '';
  }

  get changedAt(): number {
    return this.#columns.changed[this.#at] ?? 0;
  }

  get trashed(): boolean {
    return has(this.#columns, this.#at, recordFlags.deleted);
  }

  get machine(): MachineLinks | null {
    const machine = this.#columns.machines.get(this.#at);
    return machine
      ? { host: this.host, configurationUid: machine[1], launchCredentialUid: machine[2] }
      : null;
  }

  get pins(): PamResources | null {
    return this.#columns.pins.get(this.#at) ?? null;
  }

  get parentUid(): Uid | null {
    return this.#columns.parents.get(this.#at) ?? null;
  }

  get launchOnly(): boolean {
    return has(this.#columns, this.#at, recordFlags.launchOnly);
  }

  get launchable(): boolean {
    return has(this.#columns, this.#at, recordFlags.launchable);
  }
}

function has({ flags }: RecordColumns, at: number, flag: number): boolean {
  return ((flags[at] ?? 0) & flag) !== 0;
}
