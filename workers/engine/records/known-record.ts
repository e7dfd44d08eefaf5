import { encodeBase64url, parseBase64url } from '../../../protocol/bytes.ts';
import type { Coverage } from '../../../protocol/messages/gen/record_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import type { RecordEntry } from './record-entry.ts';

/** What the vault keeps in memory of a record. The sealed row is in the storage, and read when it is opened. */
export interface KnownRecord {
  readonly uid: Uid;
  readonly ownerUid: Uid;
  readonly revision: number;
  readonly keyVersion: number;
  /** In its owner's trash. */
  readonly deleted: boolean;
  /** When this device first saw it there, by its own clock; null outside the trash. */
  readonly trashedAt: number | null;
  /** As `tagOf` its sealed data, in base64url; empty for who may only launch. */
  readonly tag: string;
  /** Of an own record that somebody else wrote: what the own manifest covers, which is an older revision. */
  readonly covered: Covered | null;
  /** Whether a signature or the manifest said that this revision is what its writer wrote. */
  readonly proved: boolean;
  /** Null when it was sealed for this account and cannot be read. */
  readonly entry: RecordEntry | null;
}

export interface Covered {
  readonly revision: number;
  readonly keyVersion: number;
  readonly tag: string;
  readonly deleted: boolean;
}

/** The same record with something else known of it. */
export function knownWith(
  known: KnownRecord,
  change: Partial<Pick<KnownRecord, 'covered' | 'proved' | 'entry'>>,
): KnownRecord {
  const { uid, ownerUid, revision, keyVersion, deleted, trashedAt, tag, covered, proved, entry } = known;
  return {
    ...{ uid, ownerUid, revision, keyVersion, deleted, trashedAt, tag, covered, proved, entry },
    ...change,
  };
}

/** The record in its owner's manifest. */
export function elementOf(known: KnownRecord): ManifestElement {
  return recordElement(known.uid, known.covered ?? known);
}

/** The same of a record whose coverage alone is known. */
export function recordElement(uid: Uid, { revision, keyVersion, tag, deleted }: Covered): ManifestElement {
  return { kind: 'record', uid, revision: BigInt(revision), keyVersion, tag: parseBase64url(tag), deleted };
}

/** What an element of the manifest says. */
export function coveredBy({ revision, keyVersion, tag, deleted }: ManifestElement): Covered {
  return { revision: Number(revision), keyVersion, tag: encodeBase64url(tag), deleted };
}

/** What the server says that the manifest covers. */
export function coveredIn({ revision, keyVersion, tag, deleted }: Coverage): Covered {
  return { revision: Number(revision), keyVersion, tag: encodeBase64url(tag), deleted };
}

export function isSameCoverage(one: Covered | null, other: Covered | null): boolean {
  if (one === null || other === null) return one === other;
  return one.revision === other.revision && one.tag === other.tag && one.deleted === other.deleted;
}

/** The tag of sealed data as it is kept. */
export function tagText(sealed: Uint8Array): string {
  return sealed.length === 0 ? '' : encodeBase64url(tagOf(sealed));
}
