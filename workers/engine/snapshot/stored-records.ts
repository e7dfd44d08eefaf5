import { parseBase64url } from '../../../protocol/bytes.ts';
import type { PamResources } from '../../../protocol/records/pam-settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Covered, KnownRecord } from '../records/known-record.ts';
import type { LoadedRecords } from '../records/loaded-records.ts';
import type { MachineLinks, RecordEntry } from '../records/record-entry.ts';
import { listFlags, type ListColumns } from '../search/list-columns.ts';
import { CodeIndex } from '../search/code-index.ts';
import type { Codes } from '../search/codes.ts';
import type { Texts } from '../search/texts.ts';
import type { Numbers, Places } from './columns.ts';

/** The first two are those of lists. */
export const recordFlags = {
  deleted: listFlags.trashed,
  favourite: listFlags.favourite,
  ...{ proved: 4, launchOnly: 8, readable: 16, launchable: 32, opensUnlinked: 64 },
} as const;

/** What few records have, by their place. */
export interface Sparse {
  /** Configuration, launch credential and, of the few that have one, jump machine. */
  readonly machines: readonly (readonly [number, Uid | null, Uid | null, Uid?])[];
  readonly pins: readonly (readonly [number, PamResources])[];
  readonly parents: readonly (readonly [number, Uid])[];
  readonly covered: readonly (readonly [number, Covered])[];
  readonly trashed: readonly (readonly [number, number])[];
}

/** Those that can be read come first, in the order of their titles. */
export interface RecordColumns {
  readonly count: number;
  readonly readable: number;
  readonly uids: Codes;
  readonly owners: readonly Uid[];
  readonly types: readonly string[];
  readonly ownerOf: Places;
  readonly typeOf: Places;
  readonly revisions: Numbers;
  readonly keyVersions: Places;
  readonly changed: Numbers;
  readonly flags: Uint8Array;
  readonly tags: Codes;
  readonly titles: Texts;
  readonly logins: Texts;
  readonly hosts: Texts;
  readonly urls: Texts;
  readonly mores: Texts;
  /** Of the account's cards, for lists. */
  readonly folders: readonly (Uid | null)[];
  readonly folderOf: Places;
  readonly tagLists: readonly (readonly string[])[];
  readonly tagsOf: Places;
  readonly machines: ReadonlyMap<number, Sparse['machines'][number]>;
  readonly pins: ReadonlyMap<number, PamResources>;
  readonly parents: ReadonlyMap<number, Uid>;
  readonly covered: ReadonlyMap<number, Covered>;
  readonly trashed: ReadonlyMap<number, number>;
}

/** The records of a snapshot, each made when it is asked for, and made again the next time: most never are. */
export class StoredRecords implements LoadedRecords {
  readonly #columns: RecordColumns;
  #index: CodeIndex | null = null;

  constructor(columns: RecordColumns) {
    this.#columns = columns;
  }

  get count(): number {
    return this.#columns.count;
  }

  at(row: number): KnownRecord {
    return new StoredRecord(this.#columns, row);
  }

  rowOf(uid: Uid): number {
    return (this.#index ??= new CodeIndex(this.#columns.uids)).indexOf(parseBase64url(uid));
  }

  /** For lists, as it is stored. */
  get list(): ListColumns {
    const { readable: count, titles, logins, hosts, urls, mores, uids, ...columns } = this.#columns;
    const rowOf = (uid: Uid) => {
      const row = this.rowOf(uid);
      return row < count ? row : -1;
    };
    return {
      ...columns,
      count,
      texts: { title: titles, login: logins, host: hosts, url: urls, more: mores },
      uid: (row) => uids.at(row) as Uid,
      rowOf,
      entry: (row) => new StoredEntry(this.#columns, row),
    };
  }

  *ofType(type: string): Iterable<number> {
    const { types, typeOf, readable } = this.#columns;
    const wanted = types.indexOf(type);
    if (wanted < 0) return;
    for (let row = typeOf.indexOf(wanted); row >= 0 && row < readable; row = typeOf.indexOf(wanted, row + 1))
      yield row;
  }

  *covered(): Iterable<number> {
    yield* this.#columns.covered.keys();
  }

  *deleted(): Iterable<number> {
    yield* this.#flagged(recordFlags.deleted, recordFlags.deleted);
  }

  *unproved(): Iterable<number> {
    yield* this.#flagged(recordFlags.proved, 0);
  }

  *#flagged(flag: number, value: number): Iterable<number> {
    const { flags, count } = this.#columns;
    for (let row = 0; row < count; row++) if (((flags[row] ?? 0) & flag) === value) yield row;
  }
}

/**
 * A record of a snapshot: a place in its columns. 50,000 of these are there in a few milliseconds, and most of what they
 * say is never asked for.
 */
class StoredRecord implements KnownRecord {
  readonly #columns: RecordColumns;
  readonly #at: number;

  constructor(columns: RecordColumns, at: number) {
    this.#columns = columns;
    this.#at = at;
  }

  get uid(): Uid {
    return this.#columns.uids.at(this.#at) as Uid;
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
    return this.#columns.tags.at(this.#at);
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
    return new StoredEntry(this.#columns, this.#at);
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
    return this.#columns.uids.at(this.#at) as Uid;
  }

  get ownerUid(): Uid {
    return this.#columns.owners[this.#columns.ownerOf[this.#at] ?? 0] as Uid;
  }

  get type(): string {
    return this.#columns.types[this.#columns.typeOf[this.#at] ?? 0] ?? '';
  }

  get title(): string {
    return this.#columns.titles.at(this.#at);
  }

  get login(): string {
    return this.#columns.logins.at(this.#at);
  }

  get host(): string {
    return this.#columns.hosts.at(this.#at);
  }

  get url(): string {
    return this.#columns.urls.at(this.#at);
  }

  get more(): string {
    return this.#columns.mores.at(this.#at);
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
      ? {
          ...{ host: this.host, configurationUid: machine[1], launchCredentialUid: machine[2] },
          jumpMachineUid: machine[3] ?? null,
          opensUnlinked: has(this.#columns, this.#at, recordFlags.opensUnlinked),
        }
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
