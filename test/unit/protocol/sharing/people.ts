import { empty, type Bytes } from '../../../../protocol/bytes.ts';
import { AccessRules } from '../../../../protocol/sharing/access.ts';
import type { FolderEntry } from '../../../../protocol/sharing/folder-entry.ts';
import type { Grant } from '../../../../protocol/sharing/grant.ts';
import { viewRights, type Rights } from '../../../../protocol/sharing/rights.ts';
import type { Roster, RosterTeam } from '../../../../protocol/signed/roster.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';

export const names = ['owner', 'ben', 'cora', 'dan', 'eva', 'finn'] as const;
export type Name = (typeof names)[number];
export const uidOfName = Object.fromEntries(names.map((name) => [name, newUid()])) as Record<Name, Uid>;
export const record = newUid();
export const folder = newUid();
export const team = newUid();

export const nowMs = 1_800_000_000_000;
const hash: Bytes = new Uint8Array(32);

/** From the owner, of the record, for ever, unless it says otherwise. */
export function grant(to: Name, rights: Partial<Rights> = {}, change: Partial<Grant> = {}): Grant {
  return {
    objectKind: 'record',
    objectUid: record,
    ownerUid: uidOfName.owner,
    granteeKind: 'account',
    granteeUid: uidOfName[to],
    granterUid: uidOfName.owner,
    rights: { ...viewRights, ...rights },
    issuedAtMs: nowMs,
    expiresAtMs: 0,
    sealedKeyHash: hash,
    keyVersion: 1,
    granteeKeyVersion: 0,
    ...change,
  };
}

export const onFolder = { objectKind: 'folder', objectUid: folder } as const;
export const toTeam = { granteeKind: 'team', granteeUid: team } as const;
export const by = (name: Name) => ({ granterUid: uidOfName[name] });

/** The record in the folder, both the owner's, put there by the owner. */
export function entry(rights: Partial<Rights> = {}, change: Partial<FolderEntry> = {}): FolderEntry {
  return {
    folderUid: folder,
    folderOwnerUid: uidOfName.owner,
    recordUid: record,
    recordOwnerUid: uidOfName.owner,
    authorUid: uidOfName.owner,
    rights: { ...viewRights, ...rights },
    issuedAtMs: nowMs,
    sealedKeyHash: hash,
    sealedLaunchKeyHash: hash,
    recordKeyVersion: 1,
    folderKeyVersion: 1,
    firstFolderKeyVersion: 1,
    ...change,
  };
}

export function rosterOf(teamMembers: readonly Name[] = []): Roster {
  const teams: RosterTeam[] = [
    {
      teamUid: team,
      ecdhPublicKey: empty,
      keyVersion: 1,
      memberUids: teamMembers.map((name) => uidOfName[name]),
    },
  ];
  return {
    organisationUid: newUid(),
    version: 1n,
    parentHash: empty,
    members: [],
    teams,
    recoveryPublicKey: empty,
    ends: [],
    formerTeamMembers: [],
  };
}

/** What that person may do with the record. */
export function rightsOn(
  who: Name,
  grants: readonly Grant[],
  {
    entries = [],
    members = [],
    atMs = nowMs,
  }: { entries?: readonly FolderEntry[]; members?: readonly Name[]; atMs?: number } = {},
) {
  const rules = new AccessRules(rosterOf(members), { grants, entries });
  return rules.toRecord(uidOfName[who], record, uidOfName.owner, atMs);
}
