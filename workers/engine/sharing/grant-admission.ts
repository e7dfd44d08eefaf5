import { create, toBinary } from '@bufbuild/protobuf';
import { copy, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  ObjectGrantsSchema,
  ObjectKind,
  type Grant as GrantMessage,
  type ObjectGrants,
} from '../../../protocol/messages/gen/sharing_pb.js';
import {
  parseGrant,
  requireSealedKey,
  verifyGrant,
  type Grant,
  type SharedKind,
} from '../../../protocol/sharing/grant.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { objectKey, type StoredObject } from '../storage.ts';
import { withoutKey, type KnownGrant, type KnownShares } from './known-shares.ts';
import type { ShareChecks } from './share-checks.ts';

/** On one object, as the server shows them. */
const mostEnded = 64;

/** Judges the grants that the server gives: part of ShareAdmission. */
export class GrantAdmission {
  readonly #shares: KnownShares;
  readonly #checks: ShareChecks;
  readonly #ownUid: Uid;
  readonly #warn: (message: string) => void;

  constructor(shares: KnownShares, checks: ShareChecks, ownUid: Uid, warn: (message: string) => void) {
    this.#shares = shares;
    this.#ownUid = ownUid;
    this.#checks = checks;
    this.#warn = warn;
  }

  /** Takes over what holds, and gives it as it is to be stored. Throws for grants on nothing, or too many of them. */
  admit(all: ObjectGrants): StoredObject[] {
    if (all.grants.length > limits.grantsPerObject) throw new ProtocolError('too-large', 'too many grants');
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const known = all.grants.flatMap((message) =>
      this.#checks.orNothing('a grant', () => this.#judgeGrant(kind, uid, message)),
    );
    const unique = [...new Set(known)];
    const shares = this.#shares;
    // What says nothing is stored only in the place of something.
    const isNothing = unique.length === 0 && shares.grantsOf(kind, uid).length === 0;
    const former = this.#setGrants(kind, uid, unique, this.#ended(kind, uid, all));
    if (isNothing) return former;
    const grants = unique.map(({ message }) => message);
    const bytes = toBinary(ObjectGrantsSchema, { ...all, objectUid: uidBytes(uid), grants, ended: [] });
    return [{ kind: 'grants', key: objectKey('grants', uid), bytes: copy(bytes) }, ...former];
  }

  /** No grant on the object is left, as far as the server says. */
  remove(uid: Uid): StoredObject[] {
    return [...this.#setGrants('record', uid, []), ...this.#setGrants('folder', uid, [])];
  }

  /**
   * Grants as they were stored: those of granters who left since are gone, and remembered as such. Gives what is to be stored
   * of that.
   */
  admitStored(all: ObjectGrants): StoredObject[] {
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const { departed } = this.#checks;
    const isLeft = (message: GrantMessage) =>
      departed.size > 0 && departed.has(parseGrant(message).granterUid);
    const left = all.grants.filter(isLeft);
    this.admit({ ...all, grants: all.grants.filter((message) => !left.includes(message)) });
    if (left.length === 0) return [];
    const shares = this.#shares;
    const before = shares.formerGrantsOf(kind, uid);
    this.admitFormer({ ...all, grants: left });
    const gone = shares.formerGrantsOf(kind, uid).map(withoutKey);
    const others = before.filter((known) => !gone.some((one) => isSameWord(one.grant, known.grant)));
    return [this.#keepFormer(kind, uid, [...others, ...gone])];
  }

  /** Grants that were seen and are gone, as they were stored before: their times count on. */
  admitFormer(all: ObjectGrants): void {
    const [kind, uid] = [kindOf(all.objectKind), uidOf(all.objectUid)];
    const former = all.grants.flatMap((message) =>
      this.#checks.orNothing('a former grant', () => {
        const key = this.#checks.formerKeyOf(parseGrant(message).granterUid);
        return this.#verified(kind, uid, message, key);
      }),
    );
    this.#shares.setFormerGrants(kind, uid, former);
  }

  /**
   * What the server says that has ended on an own record, as it was signed: this device may be new, and what somebody wrote by it
   * waits for this account's word. It lets nobody do anything. protocol.md §9.7.
   */
  #ended(kind: SharedKind, uid: Uid, { ended }: ObjectGrants): KnownGrant[] {
    if (ended.length > mostEnded) throw new ProtocolError('too-large', 'too many grants that have ended');
    const known = this.#shares.formerGrantsOf(kind, uid);
    return ended.flatMap((message) =>
      this.#checks.orNothing('a grant that has ended', () => {
        const same = known.find((one) => equal(one.message.body, message.body));
        if (same) return same;
        const granterKey = this.#checks.formerKeyOf(parseGrant(message).granterUid);
        const one = this.#verified(kind, uid, message, granterKey);
        if (kind !== 'record' || one.grant.ownerUid !== this.#ownUid)
          throw new ProtocolError('untrusted', 'it is not on a record of this account');
        this.#checks.requirePast(one.grant.issuedAtMs);
        return withoutKey(one);
      }),
    );
  }

  /** What is gone of the known ones is remembered without its key: gives it as it is to be stored. */
  #setGrants(
    kind: SharedKind,
    uid: Uid,
    grants: readonly KnownGrant[],
    ended: readonly KnownGrant[] = [],
  ): StoredObject[] {
    const shares = this.#shares;
    const before = shares.formerGrantsOf(kind, uid);
    const seen = [...new Set([...before, ...shares.grantsOf(kind, uid), ...ended])];
    const last = seen.filter((known) => !grants.some((one) => isSameWord(one.grant, known.grant)));
    const former = last.filter(
      ({ grant }) =>
        !last.some((one) => isSameWord(one.grant, grant) && one.grant.issuedAtMs > grant.issuedAtMs),
    );
    shares.setGrants(kind, uid, grants);
    if (former.length === before.length && former.every((known) => before.includes(known))) return [];
    return [this.#keepFormer(kind, uid, former)];
  }

  /** Gives it as it is to be stored. */
  #keepFormer(kind: SharedKind, uid: Uid, former: readonly KnownGrant[]): StoredObject {
    const kept = former.slice(-limits.grantsPerObject).map(withoutKey);
    this.#shares.setFormerGrants(kind, uid, kept);
    const all = create(ObjectGrantsSchema, {
      objectKind: kind === 'record' ? ObjectKind.RECORD : ObjectKind.FOLDER,
      objectUid: uidBytes(uid),
      grants: kept.map(({ message }) => message),
    });
    return { kind: 'grants', key: formerGrantsKey(uid), bytes: copy(toBinary(ObjectGrantsSchema, all)) };
  }

  #judgeGrant(kind: SharedKind, uid: Uid, message: GrantMessage): KnownGrant {
    const shares = this.#shares;
    const before = shares.grantsOf(kind, uid);
    const same = before.find((known) => isSame(known.message, message));
    if (same) return same;
    const known = this.#verified(kind, uid, message, this.#checks.keyOf(parseGrant(message).granterUid));
    const { grant } = known;
    this.#checks.requirePast(grant.issuedAtMs);
    if (message.sealedKey.length > 0) requireSealedKey(grant, message.sealedKey);
    if (shares.revocations.isRevoked(grant)) throw new ProtocolError('untrusted', 'it was taken back');
    const isNewer = (one: KnownGrant) =>
      isSameWord(one.grant, grant) && one.grant.issuedAtMs > grant.issuedAtMs;
    if (shares.formerGrantsOf(kind, uid).some(isNewer))
      throw new ProtocolError('untrusted', 'it is older than one seen before');
    const newer = before.find(isNewer);
    if (newer) this.#warn(`the server showed a former grant on ${uid}`);
    return newer ?? known;
  }

  #verified(kind: SharedKind, uid: Uid, message: GrantMessage, key: Uint8Array): KnownGrant {
    const grant = verifyGrant(key, message);
    if (grant.objectKind !== kind || grant.objectUid !== uid)
      throw new ProtocolError('untrusted', 'it is about another object');
    return { grant, message };
  }
}

function kindOf(kind: ObjectKind): SharedKind {
  if (kind === ObjectKind.RECORD) return 'record';
  if (kind === ObjectKind.FOLDER) return 'folder';
  throw new ProtocolError('malformed', 'grants on nothing');
}

function isSame(one: GrantMessage, other: GrantMessage): boolean {
  return (
    equal(one.body, other.body) &&
    equal(one.signature, other.signature) &&
    equal(one.sealedKey, other.sealedKey)
  );
}

/** Of the same granter to the same grantee: of those the last counts. */
function isSameWord(one: Grant, other: Grant): boolean {
  return (
    one.granterUid === other.granterUid &&
    one.granteeUid === other.granteeUid &&
    one.granteeKind === other.granteeKind
  );
}

/** Where grants are stored that are gone. */
export function formerGrantsKey(objectUid: Uid): string {
  return `${objectKey('grants', objectUid)}:former`;
}
