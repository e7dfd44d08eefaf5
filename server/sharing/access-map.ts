// What grants and entries come to, as protocol/sharing/access.ts works it out from signatures. Here it keeps nonsense
// out and spares clients what they may not see; nobody relies on it. protocol.md §19.5.
import { longestChain } from '../../protocol/sharing/access.ts';
import type { Uid } from '../../protocol/uid.ts';
import { allBits, isWithinBits, never, recordBits, rightsBits } from './rights-bits.ts';

/** Rights and when they end. */
export interface Held {
  readonly rights: number;
  readonly expiresAt: number;
}

export interface StoredGrant extends Held {
  readonly granteeIsTeam: boolean;
  readonly granteeUid: Uid;
  readonly granterUid: Uid;
}

export interface StoredEntry {
  readonly folderUid: Uid;
  readonly authorUid: Uid;
  /** As signed. */
  readonly rights: number;
}

export type Holders = ReadonlyMap<Uid, Held>;
export type Teams = ReadonlyMap<Uid, readonly Uid[]>;

const owned: Held = { rights: allBits, expiresAt: never };

/** Who may do what with a shared folder, its owner too. */
export function folderHolders(
  ownerUid: Uid,
  grants: readonly StoredGrant[],
  teams: Teams,
  now: number,
): Holders {
  const alive = grants.filter(({ expiresAt }) => expiresAt > now);
  let held: Holders = new Map([[ownerUid, owned]]);
  for (let step = 0; step < longestChain; step++)
    held = handedOn(alive, teams, held, ownerUid, rightsBits.manageMembers);
  return held;
}

export interface RecordHolders {
  /** By grants on the record itself, without its owner. */
  readonly direct: Holders;
  /** What members of each folder may do with it at most; absent when its author may not put it there. */
  readonly caps: ReadonlyMap<Uid, Held>;
}

/** `membershipOf` knows the folder access of granters and authors at least. */
export function recordHolders(
  ownerUid: Uid,
  { grants, entries }: { readonly grants: readonly StoredGrant[]; readonly entries: readonly StoredEntry[] },
  membershipOf: (folderUid: Uid, accountUid: Uid) => Held | undefined,
  teams: Teams,
  now: number,
): RecordHolders {
  const alive = grants.filter(({ expiresAt }) => expiresAt > now);
  const signers = new Set([
    ...alive.map(({ granterUid }) => granterUid),
    ...entries.map(({ authorUid }) => authorUid),
  ]);
  let direct: Holders = new Map();
  let caps: ReadonlyMap<Uid, Held> = new Map();
  let held: Holders = new Map([[ownerUid, owned]]);
  for (let step = 0; step < longestChain; step++) {
    direct = handedOn(alive, teams, held, ownerUid, rightsBits.share);
    caps = capsOf(entries, held, membershipOf);
    held = withMembers(direct, caps, signers, membershipOf);
  }
  return { direct: without(direct, ownerUid), caps };
}

/** A grant is worth what its granter may give. Ownership is the owner's alone to offer. */
function handedOn(
  grants: readonly StoredGrant[],
  teams: Teams,
  held: Holders,
  ownerUid: Uid,
  mayGive: number,
): Holders {
  const next = new Map<Uid, Held>([[ownerUid, owned]]);
  for (const grant of grants) {
    const granter = held.get(grant.granterUid);
    if (!granter || !isGiven(grant, granter, mayGive)) continue;
    const given = { rights: grant.rights, expiresAt: Math.min(grant.expiresAt, granter.expiresAt) };
    const accounts = grant.granteeIsTeam ? (teams.get(grant.granteeUid) ?? []) : [grant.granteeUid];
    for (const account of accounts) if (account !== ownerUid) add(next, account, given);
  }
  return next;
}

function isGiven(grant: StoredGrant, granter: Held, mayGive: number): boolean {
  if (granter === owned) return true;
  if ((granter.rights & mayGive) === 0 || (grant.rights & rightsBits.own) !== 0) return false;
  return isWithinBits(grant.rights, granter.rights);
}

/** Who put a record into a folder must be allowed to share it, and to put records there. */
function capsOf(
  entries: readonly StoredEntry[],
  held: Holders,
  membershipOf: (folderUid: Uid, accountUid: Uid) => Held | undefined,
): Map<Uid, Held> {
  const caps = new Map<Uid, Held>();
  for (const { folderUid, authorUid, rights } of entries) {
    const author = held.get(authorUid);
    const member = membershipOf(folderUid, authorUid);
    if (!author || !member) continue;
    if ((author.rights & rightsBits.share) === 0 || (member.rights & rightsBits.manageRecords) === 0)
      continue;
    caps.set(folderUid, {
      rights: rights & author.rights,
      expiresAt: Math.min(author.expiresAt, member.expiresAt),
    });
  }
  return caps;
}

/** The next step of a chain: those who sign something may have come to the record through a folder. */
function withMembers(
  direct: Holders,
  caps: ReadonlyMap<Uid, Held>,
  signers: ReadonlySet<Uid>,
  membershipOf: (folderUid: Uid, accountUid: Uid) => Held | undefined,
): Holders {
  const held = new Map(direct);
  for (const [folderUid, cap] of caps)
    for (const account of signers) {
      const member = membershipOf(folderUid, account);
      if (!member || held.get(account) === owned) continue;
      const rights = cap.rights & member.rights & recordBits;
      add(held, account, { rights, expiresAt: Math.min(cap.expiresAt, member.expiresAt) });
    }
  return held;
}

/** Two ways to one object: the rights of both. When the first of the two ends it is worked out anew. */
function add(held: Map<Uid, Held>, account: Uid, given: Held): void {
  const before = held.get(account);
  held.set(account, before ? joined(before, given) : given);
}

function joined(one: Held, other: Held): Held {
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  return { rights: one.rights | other.rights, expiresAt: Math.min(one.expiresAt, other.expiresAt) };
}

function covers(one: Held, other: Held): boolean {
  return one.expiresAt >= other.expiresAt && isWithinBits(other.rights, one.rights);
}

function without(held: Holders, account: Uid): Holders {
  const rest = new Map(held);
  rest.delete(account);
  return rest;
}
