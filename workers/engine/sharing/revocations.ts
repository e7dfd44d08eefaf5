import type { FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import type { Grant } from '../../../protocol/sharing/grant.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** A word of this account's that takes back what was signed before: of grants on an object, or of an entry in a folder. */
export interface Revocation {
  readonly kind: 'record' | 'folder' | 'entry';
  /** Of an entry its folder. */
  readonly objectUid: Uid;
  /** Who is out: an account or team; of an entry its record. */
  readonly outUid: Uid;
  /** Whose word it takes back; null: everybody's. */
  readonly signerUid: Uid | null;
  /** What was issued until then, inclusive, counts no more. */
  readonly untilMs: number;
  /** The object's key that who is out may have; of an entry the record's. 0: nobody's to replace here. */
  readonly keyVersion: number;
}

/**
 * What this account took back. The server may keep and show a grant that was revoked, with a signature that holds: it
 * is this memory that keeps it from counting again, on every device of the account. protocol.md §19.8.
 */
export class Revocations {
  #known = new Map<string, Revocation>();

  get all(): readonly Revocation[] {
    return [...this.#known.values()];
  }

  /** Takes more of them in; the widest of each counts. Whether anything is new. */
  add(revocations: readonly Revocation[]): boolean {
    let changed = false;
    for (const revocation of revocations) {
      const name = nameOf(revocation);
      const known = this.#known.get(name);
      if (known && known.untilMs >= revocation.untilMs && known.keyVersion >= revocation.keyVersion) continue;
      this.#known.set(name, known ? widest(known, revocation) : revocation);
      changed = true;
    }
    return changed;
  }

  isRevoked({ objectKind, objectUid, granteeUid, granterUid, issuedAtMs }: Grant): boolean {
    return this.#until(objectKind, objectUid, granteeUid, granterUid) >= issuedAtMs;
  }

  isTaken({ folderUid, recordUid, authorUid, issuedAtMs }: FolderEntry): boolean {
    return this.#until('entry', folderUid, recordUid, authorUid) >= issuedAtMs;
  }

  /** The first moment at which that signer's word on it counts again; 0 when it always did. */
  notBefore(kind: Revocation['kind'], objectUid: Uid, outUid: Uid, signerUid: Uid): number {
    return this.#until(kind, objectUid, outUid, signerUid) + 1;
  }

  clear(): void {
    this.#known = new Map();
  }

  #until(kind: Revocation['kind'], objectUid: Uid, outUid: Uid, signerUid: Uid): number {
    const of = (signer: Uid | null) =>
      this.#known.get(nameOf({ kind, objectUid, outUid, signerUid: signer }))?.untilMs ?? -1;
    return Math.max(of(null), of(signerUid));
  }
}

function widest(one: Revocation, other: Revocation): Revocation {
  return {
    ...one,
    untilMs: Math.max(one.untilMs, other.untilMs),
    keyVersion: Math.max(one.keyVersion, other.keyVersion),
  };
}

function nameOf({
  kind,
  objectUid,
  outUid,
  signerUid,
}: Pick<Revocation, 'kind' | 'objectUid' | 'outUid' | 'signerUid'>): string {
  return `${kind} ${objectUid} ${outUid} ${signerUid ?? '*'}`;
}
