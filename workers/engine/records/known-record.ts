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
  /** The last 16 bytes of its sealed data in base64url; empty for who may only launch. */
  readonly tag: string;
  /** Of an own record: what the own manifest covers, when that is not this revision. */
  readonly covered: Covered | null;
  /** Whether a signature or the manifest said that this revision is what its writer wrote. */
  readonly proved: boolean;
  /** Null when it was sealed for this account and cannot be read. */
  readonly entry: RecordEntry | null;
}

export interface Covered {
  readonly revision: number;
  readonly tag: string;
  readonly deleted: boolean;
}

/** The same record with something else known of it. */
export function knownWith(
  { uid, ownerUid, revision, keyVersion, deleted, tag, covered, proved, entry }: KnownRecord,
  change: Partial<Pick<KnownRecord, 'covered' | 'proved'>>,
): KnownRecord {
  return { uid, ownerUid, revision, keyVersion, deleted, tag, covered, proved, entry, ...change };
}

/** The record in its owner's manifest. */
export function elementOf(known: KnownRecord): ManifestElement {
  return recordElement(known.uid, known.covered ?? known);
}

/** The same of a record whose coverage alone is known. */
export function recordElement(uid: Uid, { revision, tag, deleted }: Covered): ManifestElement {
  return { kind: 'record', uid, revision: BigInt(revision), tag: parseBase64url(tag), deleted };
}

/** What an element of the manifest says. */
export function coveredBy({ revision, tag, deleted }: ManifestElement): Covered {
  return { revision: Number(revision), tag: encodeBase64url(tag), deleted };
}

/** What the server says that the manifest covers. */
export function coveredIn({ revision, tag, deleted }: Coverage): Covered {
  return { revision: Number(revision), tag: encodeBase64url(tag), deleted };
}

/** The tag of sealed data as it is kept. */
export function tagText(sealed: Uint8Array): string {
  return sealed.length === 0 ? '' : encodeBase64url(tagOf(sealed));
}
