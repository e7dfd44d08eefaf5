import type { MessageInitShape } from '@bufbuild/protobuf';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { AccessProofSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { longestChain, type Access, type AccessRules } from '../../../protocol/sharing/access.ts';
import type { SharedKind } from '../../../protocol/sharing/grant.ts';
import type { Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { KnownEntry, KnownGrant, KnownShares } from './known-shares.ts';

interface SharedObject {
  readonly kind: SharedKind;
  readonly uid: Uid;
  readonly ownerUid: Uid;
}

/** Where a proof is put together. */
interface Search {
  readonly shares: KnownShares;
  readonly rules: AccessRules;
  readonly roster: Roster;
  readonly nowMs: number;
}

/**
 * The grants and entries, without their keys, by which the account may launch somebody else's record: what a gateway
 * needs to work it out itself. Throws `not-allowed` when there is no way, `too-large` when every way is too long.
 */
export function accessProof(
  accountUid: Uid,
  record: { readonly uid: Uid; readonly ownerUid: Uid },
  parts: Omit<Search, 'rules'>,
): MessageInitShape<typeof AccessProofSchema> {
  return proofOf(accountUid, { kind: 'record', ...record }, parts);
}

/** The same of what the account may do with somebody else's shared folder. */
export function folderProof(
  accountUid: Uid,
  folder: { readonly uid: Uid; readonly ownerUid: Uid },
  parts: Omit<Search, 'rules'>,
): MessageInitShape<typeof AccessProofSchema> {
  return proofOf(accountUid, { kind: 'folder', ...folder }, parts);
}

function proofOf(
  accountUid: Uid,
  object: SharedObject,
  parts: Omit<Search, 'rules'>,
): MessageInitShape<typeof AccessProofSchema> {
  const search = { ...parts, rules: parts.shares.rules(parts.roster) };
  const proof = new Collection(search);
  proof.add(accountUid, object, longestChain);
  if (proof.grants.size === 0)
    throw new ProtocolError('not-allowed', `the ${object.kind} is not shared with this account`);
  if (proof.grants.size > limits.accessProof.grants || proof.entries.size > limits.accessProof.entries)
    throw new ProtocolError('too-large', 'the way to this record is too long');
  return {
    grants: [...proof.grants].map(({ message: { body, signature } }) => ({ body, signature })),
    entries: [...proof.entries].map(({ message: { body, signature } }) => ({ body, signature })),
  };
}

class Collection {
  readonly grants = new Set<KnownGrant>();
  readonly entries = new Set<KnownEntry>();
  readonly #search: Search;
  readonly #asked = new Set<string>();

  constructor(search: Search) {
    this.#search = search;
  }

  /** The longest-lasting way of the account, and everything that those who signed it have. */
  add(accountUid: Uid, object: SharedObject, depth: number): void {
    const asked = `${accountUid} ${object.kind} ${object.uid}`;
    if (accountUid === object.ownerUid || depth === 0 || this.#asked.has(asked)) return;
    this.#asked.add(asked);
    // The first step is one way; a signer's rights may come from several.
    const all = this.#waysOf(accountUid, object);
    for (const way of depth === longestChain ? all.slice(0, 1) : all) way.take(depth);
  }

  #waysOf(accountUid: Uid, object: SharedObject) {
    const ways = [...this.#byGrants(accountUid, object), ...this.#byEntries(accountUid, object)];
    return ways.sort((one, other) => endOf(other.access) - endOf(one.access));
  }

  #byGrants(accountUid: Uid, object: SharedObject) {
    const { shares, rules, nowMs } = this.#search;
    return shares.grantsOf(object.kind, object.uid).flatMap((known) => {
      const { grant } = known;
      const access =
        grant.ownerUid === object.ownerUid && this.#isTo(accountUid, known)
          ? rules.ofGrant(grant, nowMs)
          : null;
      if (access === null) return [];
      const take = (depth: number) => {
        this.grants.add(known);
        this.add(grant.granterUid, object, depth - 1);
      };
      return [{ access, take }];
    });
  }

  #byEntries(accountUid: Uid, object: SharedObject) {
    const { shares, rules, nowMs } = this.#search;
    if (object.kind === 'folder') return [];
    return shares.entriesOf(object.uid).flatMap((known) => {
      const { entry } = known;
      const { folderUid: uid, folderOwnerUid: ownerUid, authorUid } = entry;
      const membership = rules.toFolder(accountUid, uid, ownerUid, nowMs);
      const cap = entry.recordOwnerUid === object.ownerUid ? rules.ofEntry(entry, nowMs) : null;
      if (membership === null || cap === null) return [];
      const folder: SharedObject = { kind: 'folder', uid, ownerUid };
      const take = (depth: number) => {
        this.entries.add(known);
        this.add(accountUid, folder, depth);
        this.add(authorUid, object, depth - 1);
        this.add(authorUid, folder, depth - 1);
      };
      return [{ access: { ...cap, expiresAtMs: sooner(cap.expiresAtMs, membership.expiresAtMs) }, take }];
    });
  }

  #isTo(accountUid: Uid, { grant: { granteeKind, granteeUid } }: KnownGrant): boolean {
    if (granteeKind === 'account') return granteeUid === accountUid;
    const team = this.#search.roster.teams.find(({ teamUid }) => teamUid === granteeUid);
    return team?.memberUids.includes(accountUid) ?? false;
  }
}

function endOf({ expiresAtMs }: Access): number {
  return expiresAtMs === 0 ? Number.MAX_SAFE_INTEGER : expiresAtMs;
}

function sooner(one: number, other: number): number {
  return one === 0 || other === 0 ? one || other : Math.min(one, other);
}
