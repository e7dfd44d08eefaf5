import { ProtocolError } from '../../../protocol/errors.ts';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import type { LaunchCard } from '../../../protocol/vault/launch-card.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { ManifestElement } from '../../../protocol/vault/manifest.ts';
import type { VaultSet } from '../manifest/vault-set.ts';
import type { VaultStorage } from '../storage.ts';
import { elementOf, knownWith, type Covered, type KnownRecord } from './known-record.ts';
import { LoadedMap } from './loaded-map.ts';
import { noRecords, type LoadedRecords } from './loaded-records.ts';
import type { RecordEntry } from './record-entry.ts';
import type { OpenedRecord, RecordOpener } from './record-opener.ts';
import { recordIn } from './stored-record.ts';

export type { OpenedRecord };

export interface BookParts {
  readonly accountUid: Uid;
  readonly storage: Pick<VaultStorage, 'readRow'>;
  readonly opener: RecordOpener;
  readonly set: VaultSet;
  /** What is stored of a record is not what was stored. */
  readonly onDamaged: () => void;
}

/** What is remembered of somebody else's record that this account does not see any more. */
export interface LastSeen {
  readonly ownerUid: Uid;
  readonly revision: number;
  readonly keyVersion: number;
}

/** Of so many; those that went first are forgotten. */
const mostGone = 10_000;

/**
 * Every record that the account sees: of each what lists and searches need. Rows stay sealed in the storage; contents
 * and keys are opened when they are asked for and not kept.
 */
export class RecordBook {
  readonly #parts: BookParts;
  readonly #known = new LoadedMap<KnownRecord, LoadedRecords>(noRecords);
  readonly #refused = new Set<Uid>();
  readonly #unconfirmed = new Set<Uid>();
  readonly #written = new Map<Uid, Covered>();
  #gone = new Map<Uid, LastSeen>();

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Whose vault this is. */
  get accountUid(): Uid {
    return this.#parts.accountUid;
  }

  /** UIDs of which the server gave something that was not taken over. */
  get refused(): Set<Uid> {
    return this.#refused;
  }

  /** UIDs of other people's records whose newest revision waits for their owners' word. */
  get unconfirmed(): Set<Uid> {
    return this.#unconfirmed;
  }

  get(uid: Uid): KnownRecord | null {
    return this.#known.get(uid);
  }

  /** What was last seen of a record that went: shown again, it is no older than that. */
  lastSeen(uid: Uid): LastSeen | null {
    return this.#gone.get(uid) ?? null;
  }

  /** All that are remembered, those that went first before. */
  get gone(): readonly (readonly [Uid, LastSeen])[] {
    return [...this.#gone];
  }

  all(): Iterable<KnownRecord> {
    return this.#known.values();
  }

  /** Whether it is there and in nobody's trash. */
  has(uid: Uid): boolean {
    return this.get(uid)?.deleted === false;
  }

  isOwn({ ownerUid }: Pick<KnownRecord, 'ownerUid'>): boolean {
    return ownerUid === this.#parts.accountUid;
  }

  /** Throws `not-found`. */
  revisionOf(uid: Uid): bigint {
    return BigInt(this.require(uid).revision);
  }

  /** A record that is in nobody's trash. Throws `not-found`, or `open-failed` when the server only gave what does not open. */
  require(uid: Uid): KnownRecord {
    const known = this.get(uid);
    if (known && !known.deleted) return known;
    if (!known && this.#refused.has(uid)) throw new ProtocolError('open-failed');
    throw new ProtocolError('not-found', 'there is no such record');
  }

  /** The sealed row, those in the trash too. Throws `not-found`. */
  async row(uid: Uid): Promise<Record> {
    if (this.get(uid) === null) throw new ProtocolError('not-found', 'there is no such record');
    const stored = await this.#parts.storage.readRow(uid);
    const row = stored && recordIn(stored);
    if (row) return row;
    this.#parts.onDamaged();
    throw new ProtocolError(stored ? 'open-failed' : 'not-found');
  }

  /** Throws `not-found`, `open-failed`, or `not-allowed` for what may only be launched. */
  async open(uid: Uid): Promise<OpenedRecord> {
    this.require(uid);
    return await this.openAny(uid);
  }

  /** How to connect with somebody else's machine. Throws `not-found`, `open-failed`. */
  async launchCard(uid: Uid): Promise<LaunchCard> {
    return await this.#parts.opener.openLaunch(await this.row(uid));
  }

  /** As `open`, of a record that may be in the trash. */
  async openAny(uid: Uid): Promise<OpenedRecord> {
    const row = await this.row(uid);
    try {
      return await this.#parts.opener.open(row);
    } catch (error) {
      const known = this.#known.get(uid);
      const isShut = error instanceof ProtocolError && error.code === 'open-failed';
      // It opened when it came. Of somebody else's the key may be another one by now.
      if (isShut && known?.entry && this.isOwn(known)) this.#parts.onDamaged();
      throw error;
    }
  }

  /** What lists need of every own record that is not in the trash. */
  entries(): RecordEntry[] {
    return this.#entriesAmong(this.all());
  }

  /** The same of those of one type. */
  ofType(type: string): RecordEntry[] {
    const all = this.#known.among(this.#known.loaded.ofType(type), ({ entry }) => entry?.type === type);
    return this.#entriesAmong(all);
  }

  /** Own machines and gateways' configurations: what goes to gateways is worked out from these. */
  wiring(): RecordEntry[] {
    return ['pamMachine', 'pamNetworkConfiguration'].flatMap((type) => this.ofType(type));
  }

  /** Whether it is the account's own, can be read, and is not in the trash. */
  hasOwn(uid: Uid): boolean {
    const entry = this.entry(uid);
    return entry !== null && this.isOwn(entry);
  }

  /** Own records that others wrote, which the own manifest does not cover as they are. */
  covered(): Iterable<KnownRecord> {
    return this.#own(this.#known.loaded.covered(), ({ covered }) => covered !== null);
  }

  /** Own records in the trash. */
  deleted(): Iterable<KnownRecord> {
    return this.#own(this.#known.loaded.deleted(), ({ deleted }) => deleted);
  }

  /** Own records that neither a signature nor the manifest has vouched for. */
  unproved(): Iterable<KnownRecord> {
    return this.#own(this.#known.loaded.unproved(), ({ proved }) => !proved);
  }

  /** The same of one record, whoever's; null when it is not there or does not open. */
  entry(uid: Uid): RecordEntry | null {
    const known = this.get(uid);
    return known && !known.deleted ? known.entry : null;
  }

  /** What of the own manifest is here. */
  *elements(): Iterable<ManifestElement> {
    for (const known of this.all()) if (this.isOwn(known)) yield elementOf(known);
  }

  /** Takes over what a device remembers; the set is restored beside it. */
  load(records: LoadedRecords, gone: readonly (readonly [Uid, LastSeen])[]): void {
    this.#gone = new Map(gone);
    this.#known.load(records);
  }

  put(known: KnownRecord): void {
    this.#parts.set.change(this.#elementOf(this.get(known.uid)), this.#elementOf(known));
    this.#known.set(known);
    this.#gone.delete(known.uid);
  }

  remove(uid: Uid): boolean {
    const known = this.get(uid);
    this.#parts.set.change(this.#elementOf(known), null);
    this.#unconfirmed.delete(uid);
    if (known && !this.isOwn(known)) this.remember(uid, known);
    return this.#known.delete(uid);
  }

  /** What was last seen of somebody else's record that went. The oldest memories make room. */
  remember(uid: Uid, { ownerUid, revision, keyVersion }: LastSeen): void {
    if (this.#gone.size >= mostGone)
      for (const first of this.#gone.keys()) if (this.#gone.delete(first)) break;
    this.#gone.set(uid, { ownerUid, revision, keyVersion });
  }

  /** The manifest fitted: every own record is what its owner last wrote, or was verified. */
  proveAll(): void {
    for (const known of [...this.unproved()]) this.#known.set(knownWith(known, { proved: true }));
  }

  /** This engine is about to store that revision: when it comes back as it was sealed, there is nothing to verify. */
  expect(uid: Uid, written: Covered): void {
    this.#written.set(uid, written);
  }

  isExpected(uid: Uid, { revision, tag, deleted }: Covered): boolean {
    const written = this.#written.get(uid);
    if (written?.revision !== revision) return false;
    this.#written.delete(uid);
    return written.tag === tag && written.deleted === deleted;
  }

  /** Forgets everything. */
  clear(): void {
    this.load(noRecords, []);
    this.#written.clear();
    this.#refused.clear();
    this.#unconfirmed.clear();
  }

  *#own(rows: Iterable<number>, isSuch: (known: KnownRecord) => boolean): Iterable<KnownRecord> {
    for (const known of this.#known.among(rows, isSuch)) if (this.isOwn(known)) yield known;
  }

  #entriesAmong(all: Iterable<KnownRecord>): RecordEntry[] {
    const entries: RecordEntry[] = [];
    for (const known of all)
      if (known.entry !== null && !known.deleted && this.isOwn(known)) entries.push(known.entry);
    return entries;
  }

  #elementOf(known: KnownRecord | null): ManifestElement | null {
    return known && this.isOwn(known) ? elementOf(known) : null;
  }
}
