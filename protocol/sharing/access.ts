import { ProtocolError } from '../errors.ts';
import type { FolderEntry as FolderEntryMessage, Grant as GrantMessage } from '../messages/gen/sharing_pb.js';
import { findMember, type FormerTeamMember, type Roster } from '../signed/roster.ts';
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

/** Grants and entries whose signatures hold. */
export interface VerifiedShares {
  readonly grants: readonly Grant[];
  readonly entries: readonly FolderEntry[];
}

/** How often access may have been handed on from its owner. */
export const longestChain = 4;

type Teams = Pick<Roster, 'teams'>;

const owned: Access = { rights: allRights, expiresAtMs: 0 };

/**
 * Works out who may do what from signed grants and entries alone: the server's word counts for nothing. Each account
 * is looked at once for each object and step of a chain, so the work is bounded by what was signed. protocol.md §19.5.
 */
export class AccessRules {
  readonly #roster: Teams;
  readonly #former: readonly FormerTeamMember[];
  readonly #grants = new Map<string, Grant[]>();
  readonly #entries = new Map<string, FolderEntry[]>();

  /** `former`: for who might have done something, with what was sealed to a key of their team that they had. */
  constructor(roster: Teams, { grants, entries }: VerifiedShares, former: readonly FormerTeamMember[] = []) {
    this.#roster = roster;
    this.#former = former;
    for (const grant of newestGrants(grants))
      add(this.#grants, nameOf(grant.objectKind, grant.objectUid, grant.ownerUid), grant);
    for (const entry of entries)
      add(this.#entries, nameOf('record', entry.recordUid, entry.recordOwnerUid), entry);
  }

  /**
   * What the account may do with the record at that time, by any way; null when nothing. With a key version: by what was
   * given under that key alone. Whoever is narrowed is given the next key, and everybody who stays a new grant of it.
   */
  toRecord(
    accountUid: Uid,
    recordUid: Uid,
    ownerUid: Uid,
    nowMs: number,
    keyVersion?: number,
  ): Access | null {
    const keys = keyVersion === undefined ? anyKey : { oldest: keyVersion, newest: keyVersion };
    return this.#ask(accountUid, { kind: 'record', uid: recordUid, ownerUid, keys }, nowMs);
  }

  /** The same of a shared folder: by what was given under that key of it or a newer one. */
  toFolder(
    accountUid: Uid,
    folderUid: Uid,
    ownerUid: Uid,
    nowMs: number,
    keyVersion?: number,
  ): Access | null {
    const keys = keyVersion === undefined ? anyKey : { ...anyKey, oldest: keyVersion };
    return this.#ask(accountUid, { kind: 'folder', uid: folderUid, ownerUid, keys }, nowMs);
  }

  /** What the grant is worth to whom it names: null when its granter may not give it, or it has ended. */
  ofGrant(grant: Grant, nowMs: number): Access | null {
    const object = { kind: grant.objectKind, uid: grant.objectUid, ownerUid: grant.ownerUid, keys: anyKey };
    const known = this.#grants.get(nameOf(object.kind, object.uid, object.ownerUid));
    if (!known?.includes(grant)) return null; // a newer one of the same granter took its place
    return this.#reading(nowMs).byGrant(grant, object, longestChain);
  }

  /** The most that members of the folder may do with the entry's record; null when its author may not put it there. */
  ofEntry(entry: FolderEntry, nowMs: number): Access | null {
    return this.#reading(nowMs).capOf(entry, longestChain);
  }

  #ask(accountUid: Uid, object: SharedObject, nowMs: number): Access | null {
    return this.#reading(nowMs).accessOf(accountUid, object, longestChain);
  }

  #reading(nowMs: number): Reading {
    const shares = { grants: this.#grants, entries: this.#entries };
    return new Reading(this.#roster, this.#former, shares, nowMs);
  }
}

/**
 * Grants and entries of a message, each verified once with the key of its signer in the roster. What is not signed by a
 * member, or does not decode, is left out.
 */
export function verifyShares(
  roster: Roster,
  proof: { readonly grants: readonly GrantMessage[]; readonly entries: readonly FolderEntryMessage[] },
): VerifiedShares {
  return {
    grants: proof.grants.flatMap((grant) =>
      valid(() => verifyGrant(keyOf(roster, parseGrant(grant).granterUid), grant)),
    ),
    entries: proof.entries.flatMap((entry) =>
      valid(() => verifyFolderEntry(keyOf(roster, parseFolderEntry(entry).authorUid), entry)),
    ),
  };
}

interface SharedObject {
  readonly kind: SharedKind;
  readonly uid: Uid;
  readonly ownerUid: Uid;
  /** Versions of its key: what was given under another one does not count. */
  readonly keys: KeyVersions;
}

interface KeyVersions {
  readonly oldest: number;
  readonly newest: number;
}

const anyKey: KeyVersions = { oldest: 0, newest: Infinity };

interface SharesByObject {
  readonly grants: ReadonlyMap<string, readonly Grant[]>;
  /** By record. */
  readonly entries: ReadonlyMap<string, readonly FolderEntry[]>;
}

/** One question at one time. What was found for an account is found once. */
class Reading {
  readonly #roster: Teams;
  readonly #former: readonly FormerTeamMember[];
  readonly #shares: SharesByObject;
  readonly #nowMs: number;
  readonly #found = new Map<string, Access | null>();

  constructor(roster: Teams, former: readonly FormerTeamMember[], shares: SharesByObject, nowMs: number) {
    this.#roster = roster;
    this.#former = former;
    this.#shares = shares;
    this.#nowMs = nowMs;
  }

  accessOf(accountUid: Uid, object: SharedObject, depth: number): Access | null {
    if (accountUid === object.ownerUid) return owned;
    if (depth <= 0) return null;
    const name = nameOf(object.kind, object.uid, object.ownerUid);
    const asked = `${depth} ${accountUid} ${name} ${object.keys.oldest} ${object.keys.newest}`;
    const known = this.#found.get(asked);
    if (known !== undefined) return known;
    const grants = this.#shares.grants.get(name) ?? [];
    const entries = this.#shares.entries.get(name) ?? [];
    const ways = [
      ...grants
        .filter((grant) => this.#isTo(accountUid, grant) && isWithinKeys(grant.keyVersion, object))
        .map((grant) => this.byGrant(grant, object, depth)),
      ...entries
        .filter((entry) => isWithinKeys(entry.recordKeyVersion, object))
        .map((entry) => this.#byEntry(accountUid, entry, depth)),
    ];
    const access = ways.reduce(join, null);
    this.#found.set(asked, access);
    return access;
  }

  /** A grant is worth what its granter may give. Ownership is the owner's alone to offer. */
  byGrant(grant: Grant, object: SharedObject, depth: number): Access | null {
    if (!this.#isAlive(grant)) return null;
    const held = this.accessOf(grant.granterUid, object, depth - 1);
    if (held === null) return null;
    if (held === owned) return { rights: grant.rights, expiresAtMs: grant.expiresAtMs };
    const mayGive = object.kind === 'record' ? held.rights.share : held.rights.manageMembers;
    if (!mayGive || grant.rights.own || !isWithin(grant.rights, held.rights)) return null;
    return { rights: grant.rights, expiresAtMs: earliest(grant.expiresAtMs, held.expiresAtMs) };
  }

  /** Who put the record there must be allowed to share it, and to put records there. */
  capOf(entry: FolderEntry, depth: number): Access | null {
    const author = this.accessOf(entry.authorUid, recordOf(entry), depth - 1);
    const inFolder = this.accessOf(entry.authorUid, folderOf(entry), depth - 1);
    if (!author?.rights.share || !inFolder?.rights.manageRecords) return null;
    return {
      rights: ofRecord(meetOf(entry.rights, author.rights)),
      expiresAtMs: earliest(author.expiresAtMs, inFolder.expiresAtMs),
    };
  }

  #byEntry(accountUid: Uid, entry: FolderEntry, depth: number): Access | null {
    const membership = this.accessOf(accountUid, folderOf(entry), depth);
    const cap = membership && this.capOf(entry, depth);
    if (!cap) return null;
    return {
      rights: membership === owned ? cap.rights : ofRecord(meetOf(cap.rights, membership.rights)),
      expiresAtMs: earliest(membership.expiresAtMs, cap.expiresAtMs),
    };
  }

  #isTo(accountUid: Uid, { granteeKind, granteeUid, granteeKeyVersion }: Grant): boolean {
    if (granteeKind === 'account') return granteeUid === accountUid;
    const isIn = this.#roster.teams.some(
      (team) => team.teamUid === granteeUid && team.memberUids.includes(accountUid),
    );
    // What is sealed to the key that the team got when they left was never given to them.
    return (
      isIn ||
      this.#former.some(
        (left) =>
          left.teamUid === granteeUid &&
          left.accountUid === accountUid &&
          granteeKeyVersion > 0 &&
          granteeKeyVersion <= left.keyVersion,
      )
    );
  }

  #isAlive({ expiresAtMs }: Grant): boolean {
    return expiresAtMs === 0 || expiresAtMs > this.#nowMs;
  }
}

/** Its author had the key that they put there. */
function recordOf({ recordUid, recordOwnerUid, recordKeyVersion }: FolderEntry): SharedObject {
  const keys = { oldest: recordKeyVersion, newest: recordKeyVersion };
  return { kind: 'record', uid: recordUid, ownerUid: recordOwnerUid, keys };
}

/** Who has a newer key of the folder has its former ones, so that entries outlive a key; the other way round nothing does. */
function folderOf({ folderUid, folderOwnerUid, folderKeyVersion }: FolderEntry): SharedObject {
  const keys = { ...anyKey, oldest: folderKeyVersion };
  return { kind: 'folder', uid: folderUid, ownerUid: folderOwnerUid, keys };
}

function isWithinKeys(keyVersion: number, { keys }: SharedObject): boolean {
  return keyVersion >= keys.oldest && keyVersion <= keys.newest;
}

/** A granter's last word to a grantee on an object is the one that counts: a former, wider one does not come back. */
function newestGrants(grants: readonly Grant[]): Iterable<Grant> {
  const newest = new Map<string, Grant>();
  for (const grant of grants) {
    const object = nameOf(grant.objectKind, grant.objectUid, grant.ownerUid);
    const name = `${object} ${grant.granterUid} ${grant.granteeKind} ${grant.granteeUid}`;
    const known = newest.get(name);
    if (known === undefined || grant.issuedAtMs > known.issuedAtMs) newest.set(name, grant);
  }
  return newest.values();
}

/** Two ways to one object: the rights of both. When the first of the two ends it is to be worked out anew. */
function join(one: Access | null, other: Access | null): Access | null {
  if (one === null || other === null) return one ?? other;
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  return {
    rights: joinOf(one.rights, other.rights),
    expiresAtMs: earliest(one.expiresAtMs, other.expiresAtMs),
  };
}

/** As much, and for as long. */
function covers(one: Access, other: Access): boolean {
  const lasts = one.expiresAtMs === 0 || (other.expiresAtMs !== 0 && one.expiresAtMs >= other.expiresAtMs);
  return lasts && isWithin(other.rights, one.rights);
}

function earliest(one: number, other: number): number {
  if (one === 0 || other === 0) return one || other;
  return Math.min(one, other);
}

/** Members and records are a folder's. */
function ofRecord(rights: Rights): Rights {
  return { ...rights, manageMembers: false, manageRecords: false, own: false };
}

function nameOf(kind: SharedKind, uid: Uid, ownerUid: Uid): string {
  return `${kind} ${uid} ${ownerUid}`;
}

function add<T>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}

function keyOf(roster: Roster, accountUid: Uid): Uint8Array {
  const member = findMember(roster, accountUid);
  if (member === null) throw new ProtocolError('untrusted', 'the signer is in no roster');
  return member.signingPublicKey;
}

function valid<T>(verify: () => T): T[] {
  try {
    return [verify()];
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
