import { copy, equal, type Bytes } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { ProtocolError } from '../errors.ts';
import type { SignedRoster } from '../messages/gen/account_pb.js';
import type { RosterLink } from '../messages/gen/organisation_pb.js';
import type { Uid } from '../uid.ts';
import { verifyRoster, verifyStatement, type Roster } from './roster.ts';

/** The newest roster that somebody has verified: what the next one must follow from. protocol.md §6.3. */
export interface RosterPoint {
  readonly version: bigint;
  /** SHA-256 of the roster's bytes, 32 bytes. */
  readonly hash: Bytes;
}

interface Issuer {
  readonly organisationUid: Uid;
  readonly organisationKey: Uint8Array;
}

/** Where a verified roster stands. */
export function pointOf(roster: Roster, signed: Pick<SignedRoster, 'roster'>): RosterPoint {
  return { version: roster.version, hash: sha256(signed.roster) };
}

/**
 * The point that a chain of links leads to from `before`, each signed by the organisation and the child of the one
 * before it. Throws `bad-signature`, or `untrusted` for a version left out and for another past than the known one.
 */
export function followLinks(issuer: Issuer, before: RosterPoint, links: readonly RosterLink[]): RosterPoint {
  let point = before;
  for (const { version, parentHash, rosterHash, signature } of links) {
    const { organisationUid, organisationKey } = issuer;
    verifyStatement(organisationKey, { organisationUid, version, parentHash, rosterHash }, signature);
    if (version !== point.version + 1n || !equal(parentHash, point.hash)) throw otherPast();
    point = { version, hash: copy(rosterHash) };
  }
  return point;
}

/**
 * The next roster: one version up, child of `before`, signed by the organisation. Throws as {@link verifyRoster} does,
 * and `untrusted` for one that does not follow.
 */
export function verifySuccessor(issuer: Issuer, before: RosterPoint, signed: SignedRoster): Roster {
  const roster = verifyRoster(signed, { ...issuer, minimumVersion: before.version });
  if (roster.version !== before.version + 1n || !equal(roster.parentHash, before.hash)) throw otherPast();
  return roster;
}

/** Of a verified roster: throws `untrusted` when it is another one of that version, or the next one of another past. */
export function requireSamePast(
  point: RosterPoint,
  roster: Roster,
  signed: Pick<SignedRoster, 'roster'>,
): void {
  const same = roster.version !== point.version || equal(sha256(signed.roster), point.hash);
  const next = roster.version !== point.version + 1n || equal(roster.parentHash, point.hash);
  if (!same || !next) throw otherPast();
}

/** The very roster that stands at that point. Throws as {@link verifyRoster} does, and `untrusted` for another. */
export function verifyRosterAt(issuer: Issuer, point: RosterPoint, signed: SignedRoster): Roster {
  const roster = verifyRoster(signed, { ...issuer, minimumVersion: point.version });
  if (roster.version !== point.version || !equal(sha256(signed.roster), point.hash)) throw otherPast();
  return roster;
}

function otherPast(): ProtocolError {
  return new ProtocolError('untrusted', 'the roster does not follow from the one seen before');
}
