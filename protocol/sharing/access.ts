import { ProtocolError } from '../errors.ts';
import type { FolderEntry as FolderEntryMessage, Grant as GrantMessage } from '../messages/gen/sharing_pb.js';
import { findMember, type Roster } from '../signed/roster.ts';
import type { Uid } from '../uid.ts';
import { parseFolderEntry, verifyFolderEntry, type FolderEntry } from './folder-entry.ts';
import { parseGrant, verifyGrant, type Grant, type SharedKind } from './grant.ts';
import { allRights, isWithin, joinOf, meetOf, type Rights } from './rights.ts';

/** What somebody may do, and until when. */
export interface Access {
  readonly rights: Rights;
  /** When part of it ends, and it is to be worked out anew; 0: never. */
  readonly expiresAtMs: number;
}

/** How often access may have been handed on from its owner. */
const longestChain = 4;

const owned: Access = { rights: allRights, expiresAtMs: 0 };

/**
 * Works out who may do what from signed grants and entries alone: the server's word counts for nothing.
 * Signatures are verified with the keys of the roster, each once. protocol.md §19.5.
 */
export class AccessRules {
  readonly #roster: Roster;
  readonly #nowMs: number;
  readonly #grants: readonly Grant[];
  readonly #entries: readonly FolderEntry[];

  /** What is not signed by a member of the roster, or does not decode, is left out. */
  constructor(
    roster: Roster,
    proof: { readonly grants: readonly GrantMessage[]; readonly entries: readonly FolderEntryMessage[] },
    nowMs: number,
  ) {
    this.#roster = roster;
    this.#nowMs = nowMs;
    this.#grants = proof.grants.flatMap((grant) =>
      valid(() => verifyGrant(this.#keyOf(parseGrant(grant).granterUid), grant)),
    );
    this.#entries = proof.entries.flatMap((entry) =>
      valid(() => verifyFolderEntry(this.#keyOf(parseFolderEntry(entry).authorUid), entry)),
    );
  }

  /** What the account may do with the record, by any way; null when nothing. */
  toRecord(accountUid: Uid, recordUid: Uid, ownerUid: Uid): Access | null {
    return this.#toRecord(accountUid, { kind: 'record', uid: recordUid, ownerUid }, longestChain);
  }

  /** What the account may do with the shared folder; null when nothing. */
  toFolder(accountUid: Uid, folderUid: Uid, ownerUid: Uid): Access | null {
    return this.#byGrants(accountUid, { kind: 'folder', uid: folderUid, ownerUid }, longestChain);
  }

  #toRecord(accountUid: Uid, object: SharedObject, depth: number): Access | null {
    const direct = this.#byGrants(accountUid, object, depth);
    if (direct === owned || depth === 0) return direct;
    const entries = this.#entries.filter(
      (entry) => entry.recordUid === object.uid && entry.recordOwnerUid === object.ownerUid,
    );
    return entries.reduce((access, entry) => join(access, this.#byEntry(accountUid, entry, depth)), direct);
  }

  #byEntry(accountUid: Uid, entry: FolderEntry, depth: number): Access | null {
    const folder = { kind: 'folder', uid: entry.folderUid, ownerUid: entry.folderOwnerUid } as const;
    const record = { kind: 'record', uid: entry.recordUid, ownerUid: entry.recordOwnerUid } as const;
    const membership = this.#byGrants(accountUid, folder, depth);
    const author = this.#byGrants(entry.authorUid, record, depth - 1);
    const authorInFolder = this.#byGrants(entry.authorUid, folder, depth - 1);
    if (!membership || !author?.rights.share || !authorInFolder?.rights.manageRecords) return null;
    const cap = meetOf(entry.rights, author.rights);
    const rights = membership === owned ? cap : meetOf(cap, membership.rights);
    return { rights, expiresAtMs: earliest(membership.expiresAtMs, author.expiresAtMs) };
  }

  #byGrants(accountUid: Uid, object: SharedObject, depth: number): Access | null {
    if (accountUid === object.ownerUid) return owned;
    if (depth <= 0) return null;
    return this.#grants
      .filter((grant) => isOf(grant, object) && this.#isTo(accountUid, grant) && this.#isAlive(grant))
      .reduce<Access | null>((access, grant) => join(access, this.#byGrant(grant, object, depth)), null);
  }

  /** A grant is worth what its granter may give. */
  #byGrant(grant: Grant, object: SharedObject, depth: number): Access | null {
    const held = this.#byGrants(grant.granterUid, object, depth - 1);
    if (held === null) return null;
    if (held === owned) return { rights: grant.rights, expiresAtMs: grant.expiresAtMs };
    const mayGive = object.kind === 'record' ? held.rights.share : held.rights.manageMembers;
    if (!mayGive || !isWithin(grant.rights, held.rights)) return null;
    return { rights: grant.rights, expiresAtMs: earliest(grant.expiresAtMs, held.expiresAtMs) };
  }

  #isTo(accountUid: Uid, { granteeKind, granteeUid }: Grant): boolean {
    if (granteeKind === 'account') return granteeUid === accountUid;
    return this.#roster.teams.some(
      (team) => team.teamUid === granteeUid && team.memberUids.includes(accountUid),
    );
  }

  #isAlive({ expiresAtMs }: Grant): boolean {
    return expiresAtMs === 0 || expiresAtMs > this.#nowMs;
  }

  #keyOf(accountUid: Uid): Uint8Array {
    const member = findMember(this.#roster, accountUid);
    if (member === null) throw new ProtocolError('untrusted', 'the signer is in no roster');
    return member.signingPublicKey;
  }
}

interface SharedObject {
  readonly kind: SharedKind;
  readonly uid: Uid;
  readonly ownerUid: Uid;
}

function isOf(grant: Grant, { kind, uid, ownerUid }: SharedObject): boolean {
  return grant.objectKind === kind && grant.objectUid === uid && grant.ownerUid === ownerUid;
}

/** Two ways to one object: the rights of both. When the first of the two ends it is to be worked out anew. */
function join(one: Access | null, other: Access | null): Access | null {
  if (one === null || other === null) return one ?? other;
  if (isWithin(one.rights, other.rights) && isWithin(other.rights, one.rights)) {
    const forever = one.expiresAtMs === 0 || other.expiresAtMs === 0;
    return { rights: one.rights, expiresAtMs: forever ? 0 : Math.max(one.expiresAtMs, other.expiresAtMs) };
  }
  return {
    rights: joinOf(one.rights, other.rights),
    expiresAtMs: earliest(one.expiresAtMs, other.expiresAtMs),
  };
}

function earliest(one: number, other: number): number {
  if (one === 0 || other === 0) return one || other;
  return Math.min(one, other);
}

function valid<T>(verify: () => T): T[] {
  try {
    return [verify()];
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
