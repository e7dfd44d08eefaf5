import { copy, uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import {
  RosterSchema,
  type RosterEnd as RosterEndMessage,
  type SignedRoster,
} from '../messages/gen/account_pb.js';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import type { AccountIdentity } from './account-certificate.ts';

/** Who belongs to an organisation, as its signing key says. protocol.md §6.3. */
export interface Roster {
  readonly organisationUid: Uid;
  readonly version: bigint;
  readonly parentHash: Bytes;
  readonly members: readonly RosterMember[];
  readonly teams: readonly RosterTeam[];
  /** ECDH, 65 bytes; empty when the organisation has no recovery. */
  readonly recoveryPublicKey: Bytes;
  /** What nobody comes in by again. protocol.md §20.2. */
  readonly ends: readonly RosterEnd[];
  /** Who was in a team and is not any more: nothing is theirs by it. protocol.md §9.7. */
  readonly formerTeamMembers: readonly FormerTeamMember[];
}

/** An invitation that was used or withdrawn, or an account that was removed. */
export interface RosterEnd {
  readonly uid: Uid;
  /** Needed no longer than this: no invitation of before can be accepted then. */
  readonly untilMs: number;
  /** Of an account that was removed. */
  readonly departed?: Departed;
}

/** What somebody was who is no member any more: by it an owner verifies what they wrote before. protocol.md §9.7. */
export interface Departed {
  /** 65 bytes. */
  readonly signingPublicKey: Bytes;
}

/** Somebody, member or not, who was in a team. */
export interface FormerTeamMember {
  /** Also of a team that is no more. */
  readonly teamUid: Uid;
  readonly accountUid: Uid;
  /** Of the last key of the team that they were given. */
  readonly keyVersion: number;
  readonly untilMs: number;
}

export interface RosterMember extends AccountIdentity {
  readonly administrator: boolean;
  /** Lower case, as the server spells it. */
  readonly email: string;
}

/** A team has a key pair of its own: what is shared with it is sealed to that. */
export interface RosterTeam {
  readonly teamUid: Uid;
  readonly ecdhPublicKey: Bytes;
  readonly memberUids: readonly Uid[];
  readonly keyVersion: number;
}

/** Of one roster, 26 bytes each. */
const mostEnds = 8_000;
/** Of those, with a key. */
const mostDeparted = 2_000;
/** Of one roster, 50 bytes each. */
const mostFormerTeamMembers = 4_000;

/** Signs a roster with the organisation's key. */
export async function signRoster(
  organisation: Signer,
  roster: Roster,
): Promise<{ roster: Bytes; signature: Bytes }> {
  const bytes = encodeMessage(RosterSchema, {
    organisationUid: uidBytes(roster.organisationUid),
    version: roster.version,
    parentHash: roster.parentHash,
    members: roster.members.map((member) => ({ ...member, accountUid: uidBytes(member.accountUid) })),
    teams: roster.teams.map((team) => ({
      ...team,
      teamUid: uidBytes(team.teamUid),
      memberUids: team.memberUids.map(uidBytes),
    })),
    recoveryPublicKey: roster.recoveryPublicKey,
    ends: roster.ends.map(({ uid, untilMs, departed }) => ({
      ...{ uid: uidBytes(uid), untilMs: BigInt(untilMs) },
      ...(departed && { signingPublicKey: departed.signingPublicKey }),
    })),
    formerTeamMembers: roster.formerTeamMembers.map(({ teamUid, accountUid, keyVersion, untilMs }) => ({
      ...{ teamUid: uidBytes(teamUid), accountUid: uidBytes(accountUid) },
      ...{ keyVersion, untilMs: BigInt(untilMs) },
    })),
  });
  const statement = encodeStatement({ ...roster, rosterHash: sha256(bytes) });
  return { roster: bytes, signature: await organisation.sign(signatureContexts.roster, statement) };
}

/** What a roster's signature is over: enough to show that one followed from another without their members. */
export interface RosterStatement {
  readonly organisationUid: Uid;
  readonly version: bigint;
  readonly parentHash: Uint8Array;
  /** SHA-256 of the roster's bytes, 32 bytes. */
  readonly rosterHash: Uint8Array;
}

/** Throws `bad-signature`. */
export function verifyStatement(
  organisationKey: Uint8Array,
  statement: RosterStatement,
  signature: Uint8Array,
): void {
  verifySignature(organisationKey, signatureContexts.roster, encodeStatement(statement), signature);
}

/**
 * The roster, when the pinned organisation key signed it for this organisation. Throws `bad-signature`,
 * `malformed`, `too-large`, or `untrusted` for another organisation or a version under `minimumVersion`.
 */
export function verifyRoster(
  signed: SignedRoster,
  expected: {
    readonly organisationUid: Uid;
    readonly organisationKey: Uint8Array;
    readonly minimumVersion: bigint;
  },
): Roster {
  const roster = decodeRoster(signed.roster);
  verifyStatement(
    expected.organisationKey,
    { ...roster, rosterHash: sha256(signed.roster) },
    signed.signature,
  );
  if (roster.organisationUid !== expected.organisationUid)
    throw new ProtocolError('untrusted', 'roster of another organisation');
  if (roster.version < expected.minimumVersion)
    throw new ProtocolError('untrusted', 'the roster is older than one seen before');
  return roster;
}

/** With these among them, without those that are over; of too many, the ones that are needed longest. */
export function withEnds(
  { ends }: Pick<Roster, 'ends'>,
  added: readonly RosterEnd[],
  now: number,
): readonly RosterEnd[] {
  const uids = new Set(added.map(({ uid }) => uid));
  const kept = ends.filter((end) => end.untilMs > now && !uids.has(end.uid));
  const all = [...kept, ...added].sort((one, other) => other.untilMs - one.untilMs).slice(0, mostEnds);
  const departed = new Set(all.filter((end) => end.departed !== undefined).slice(0, mostDeparted));
  return all.map((end) => (departed.has(end) ? end : { uid: end.uid, untilMs: end.untilMs }));
}

/** With those who are in a team of before and in none of these; whoever is back in one, or left it too long ago, is left out. */
export function withFormerTeamMembers(
  before: Pick<Roster, 'teams' | 'formerTeamMembers'>,
  teams: Roster['teams'],
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): readonly FormerTeamMember[] {
  const membersOf = (all: Roster['teams']) =>
    all.flatMap(({ teamUid, memberUids, keyVersion }) =>
      memberUids.map((accountUid) => ({ teamUid, accountUid, keyVersion, untilMs })),
    );
  const present = new Set(membersOf(teams).map(nameOf));
  const left = membersOf(before.teams).filter((one) => !present.has(nameOf(one)));
  const named = new Set([...present, ...left.map(nameOf)]);
  const kept = before.formerTeamMembers.filter((one) => one.untilMs > nowMs && !named.has(nameOf(one)));
  return [...left, ...kept].sort((one, other) => other.untilMs - one.untilMs).slice(0, mostFormerTeamMembers);
}

/** Whether that invitation or account ended: nobody is certified by it. */
export function hasEnded(roster: Roster, uid: Uid): boolean {
  return roster.ends.some((end) => end.uid === uid);
}

/** The member of that account, or null. */
export function findMember(roster: Roster, accountUid: Uid): RosterMember | null {
  return roster.members.find((member) => member.accountUid === accountUid) ?? null;
}

/** Who that account was until it left; null for who is a member, or left too long ago. */
export function findDeparted(roster: Roster, accountUid: Uid): Departed | null {
  return roster.ends.find(({ uid }) => uid === accountUid)?.departed ?? null;
}

function encodeStatement({ organisationUid, version, parentHash, rosterHash }: RosterStatement): Bytes {
  return encodeContext(uidBytes(organisationUid), uint64(version), parentHash, rosterHash);
}

function decodeRoster(bytes: Uint8Array): Roster {
  if (bytes.length > limits.rosterBytes) throw new ProtocolError('too-large', 'the roster is too large');
  const message = decodeMessage(RosterSchema, bytes);
  if (message.members.length > limits.rosterMembers) throw new ProtocolError('too-large', 'too many members');
  if (message.teams.length > limits.rosterTeams) throw new ProtocolError('too-large', 'too many teams');
  const members = message.members.map((member) => ({
    accountUid: uidOf(member.accountUid),
    ecdhPublicKey: copy(member.ecdhPublicKey),
    signingPublicKey: copy(member.signingPublicKey),
    administrator: member.administrator,
    email: member.email,
  }));
  requireDistinct(members.map(({ accountUid }) => accountUid));
  const accounts = new Set(members.map(({ accountUid }) => accountUid));
  const teams = message.teams.map((team) => ({
    teamUid: uidOf(team.teamUid),
    ecdhPublicKey: copy(team.ecdhPublicKey),
    memberUids: team.memberUids.map(uidOf),
    keyVersion: team.keyVersion,
  }));
  requireDistinct(teams.map(({ teamUid }) => teamUid));
  for (const { memberUids } of teams) requireTeamOf(accounts, memberUids);
  if (message.ends.length > mostEnds) throw new ProtocolError('too-large', 'the roster is too large');
  const ends = message.ends.map(endOf);
  requireDistinct(ends.map(({ uid }) => uid));
  if (message.formerTeamMembers.length > mostFormerTeamMembers)
    throw new ProtocolError('too-large', 'the roster is too large');
  const formerTeamMembers = message.formerTeamMembers.map((former) => ({
    ...{ teamUid: uidOf(former.teamUid), accountUid: uidOf(former.accountUid) },
    ...{ keyVersion: former.keyVersion, untilMs: Number(former.untilMs) },
  }));
  requireDistinct(formerTeamMembers.map(nameOf));
  if (message.parentHash.length !== (message.version === 1n ? 0 : 32))
    throw new ProtocolError('malformed', 'not the hash of a former roster');
  return {
    organisationUid: uidOf(message.organisationUid),
    version: message.version,
    parentHash: copy(message.parentHash),
    members,
    teams,
    recoveryPublicKey: copy(message.recoveryPublicKey),
    ends,
    formerTeamMembers,
  };
}

function endOf({ uid, untilMs, signingPublicKey }: RosterEndMessage): RosterEnd {
  const end = { uid: uidOf(uid), untilMs: Number(untilMs) };
  if (signingPublicKey.length === 0) return end;
  return { ...end, departed: { signingPublicKey: copy(signingPublicKey) } };
}

function nameOf({ teamUid, accountUid }: Pick<FormerTeamMember, 'teamUid' | 'accountUid'>): string {
  return `${teamUid} ${accountUid}`;
}

function requireTeamOf(accounts: ReadonlySet<Uid>, memberUids: readonly Uid[]): void {
  requireDistinct(memberUids);
  if (!memberUids.every((uid) => accounts.has(uid)))
    throw new ProtocolError('malformed', 'a team has a member that the organisation has not');
}

function requireDistinct(names: readonly string[]): void {
  if (new Set(names).size !== names.length)
    throw new ProtocolError('malformed', 'the roster names one twice');
}
