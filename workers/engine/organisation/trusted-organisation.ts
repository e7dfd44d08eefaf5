import { create } from '@bufbuild/protobuf';
import { empty, encodeBase64url, equal, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  OrganisationBundleSchema,
  SignedRosterSchema,
  type KeySuccession,
  type OrganisationBundle,
  type SignedOrganisationSettings,
  type SignedRoster,
} from '../../../protocol/messages/gen/account_pb.js';
import type { RosterLink, TeamKey } from '../../../protocol/messages/gen/organisation_pb.js';
import type { OrganisationKeyName } from '../../../protocol/organisation/keys.ts';
import type { OrganisationIdentity } from '../../../protocol/organisation/pin.ts';
import { requireIdentity, type AccountIdentity } from '../../../protocol/signed/account-certificate.ts';
import { succeedRoster } from '../../../protocol/signed/key-succession.ts';
import {
  followLinks,
  pointOf,
  verifyRosterAt,
  type RosterPoint,
} from '../../../protocol/signed/roster-succession.ts';
import { findMember, verifyRoster, type Roster } from '../../../protocol/signed/roster.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';

export type MembershipState = 'member' | 'pending' | 'removed' | 'administrator';

/** Before the first roster: the first one follows from nothing. */
const beginning: RosterPoint = { version: 0n, hash: empty };

const sealedMembers = {
  data: 'sealedDataKey',
  signing: 'sealedSigningKey',
  recovery: 'sealedRecoveryKey',
} as const satisfies Readonly<Record<OrganisationKeyName, keyof OrganisationBundle>>;

/**
 * An organisation as an account believes it: the identity is the account's own pin, the roster the newest that this key
 * signed, and each roster follows from the one before. The server says nothing of its own here. protocol.md §20.1.
 */
export class TrustedOrganisation {
  readonly uid: Uid;
  readonly publicKey: Bytes;
  readonly #own: AccountIdentity;
  #bundle: OrganisationBundle;
  #teamKeys: readonly TeamKey[] = [];
  /** As it was signed: without what its members' keys became since. */
  #certified: Roster;
  #successions: readonly KeySuccession[] = [];
  #succeeded: ReadonlySet<Uid> = new Set();
  #roster: Roster;
  #point: RosterPoint;
  /** How far links were followed whose roster has not come yet. */
  #ahead: RosterPoint | null = null;

  /**
   * Throws `untrusted` when the server names another organisation, or its roster is older than `minimumVersion` or has
   * other keys of this account; `bad-signature` or `malformed`.
   */
  constructor(
    pin: OrganisationIdentity,
    bundle: OrganisationBundle,
    own: AccountIdentity,
    minimumVersion: bigint,
    ownSteps: readonly KeySuccession[] = [],
  ) {
    const stated =
      equal(bundle.organisationUid, uidBytes(pin.uid)) && equal(bundle.signingPublicKey, pin.publicKey);
    if (!stated) throw new ProtocolError('untrusted', 'the server names another organisation');
    this.uid = pin.uid;
    this.publicKey = pin.publicKey;
    this.#own = own;
    this.#bundle = bundle;
    this.#certified = emptyRoster(pin.uid);
    this.#roster = this.#certified;
    this.#point = beginning;
    this.#note([...ownSteps, ...(bundle.roster?.successions ?? [])]);
    if (bundle.roster) this.#take(bundle.roster, verifyRoster(bundle.roster, this.#expected(minimumVersion)));
  }

  /**
   * The newest verified one, with the keys that its members have by now; without members and of version 0 as long as there
   * is none. Another object when changed.
   */
  get roster(): Roster {
    return this.#roster;
  }

  /** Members whose keys no roster has certified yet: their former keys said so. */
  get succeeded(): ReadonlySet<Uid> {
    return this.#succeeded;
  }

  get rosterVersion(): bigint {
    return this.#certified.version;
  }

  /** What the next roster follows from. */
  get point(): RosterPoint {
    return this.#point;
  }

  /** The version up to which links were followed. */
  get followed(): bigint {
    return (this.#ahead ?? this.#point).version;
  }

  /** For the local copy. */
  get bundle(): OrganisationBundle {
    return this.#bundle;
  }

  /** Keys of the account's teams, as they were sealed to it. For the local copy. */
  get teamKeys(): readonly TeamKey[] {
    return this.#teamKeys;
  }

  /** Who this account is to the organisation, as far as a roster says. */
  get membership(): MembershipState {
    const member = findMember(this.#roster, this.#own.accountUid);
    if (member) return member.administrator ? 'administrator' : 'member';
    return this.#bundle.sealedDataKey.length > 0 ? 'removed' : 'pending';
  }

  /**
   * Follows the links, which may come in several rounds, to a newer roster. Throws `untrusted` for another past or other
   * keys of this account, `bad-signature` or `malformed`; the roster in use stays then.
   */
  advance(links: readonly RosterLink[], signed: SignedRoster | undefined): void {
    const issuer = { organisationUid: this.uid, organisationKey: this.publicKey };
    const point = followLinks(issuer, this.#ahead ?? this.#point, links);
    this.#ahead = null;
    if (signed) this.#take(signed, verifyRosterAt(issuer, point, signed));
    else if (links.length > 0) this.#ahead = point;
  }

  /**
   * Goes on from what this device knew before a new login: a newer roster counts only once its links were followed.
   * Throws `untrusted` for an older or another roster.
   */
  continueFrom(before: TrustedOrganisation): void {
    if (this.uid !== before.uid || !equal(this.publicKey, before.publicKey))
      throw new ProtocolError('untrusted', 'the server shows another organisation');
    const [known, now] = [before.#point, this.#point];
    const other = now.version === known.version && !equal(now.hash, known.hash);
    if (other || (this.#bundle.roster && now.version < known.version))
      throw new ProtocolError('untrusted', 'the server shows another roster');
    this.#bundle = mergedBundle(before.#bundle, this.#bundle);
    this.#teamKeys = before.#teamKeys;
    this.#certified = before.#certified;
    this.#point = known;
    const shown = this.#successions;
    this.#successions = before.#successions;
    this.#note(shown);
    this.#succeed();
  }

  /**
   * Takes over what became of members' keys. What was seen once stays, whatever is shown later: keys that were given up
   * do not come back. protocol.md §23.2.
   */
  succeed(shown: readonly KeySuccession[]): void {
    if (this.#note(shown)) this.#succeed();
  }

  /** The envelope of a key under the account's data key; empty when the account has none. */
  sealedKey(name: OrganisationKeyName): Uint8Array {
    return this.#bundle[sealedMembers[name]];
  }

  keepKey(name: OrganisationKeyName, sealed: Bytes): void {
    this.#bundle = create(OrganisationBundleSchema, { ...this.#bundle, [sealedMembers[name]]: sealed });
  }

  keepSettings(settings: SignedOrganisationSettings): void {
    this.#bundle = create(OrganisationBundleSchema, { ...this.#bundle, settings });
  }

  /** In the place of those that were kept. */
  keepTeamKeys(teamKeys: readonly TeamKey[]): void {
    this.#teamKeys = teamKeys;
  }

  #expected(minimumVersion: bigint) {
    return { organisationUid: this.uid, organisationKey: this.publicKey, minimumVersion };
  }

  #take(signed: SignedRoster, certified: Roster): void {
    this.#note(signed.successions);
    const { roster } = succeedRoster(certified, this.#successions, this.#own);
    const member = findMember(roster, this.#own.accountUid);
    if (member) requireIdentity(member, this.#own);
    this.#point = pointOf(certified, signed);
    this.#certified = certified;
    this.#bundle = create(OrganisationBundleSchema, { ...this.#bundle, roster: signed });
    this.#succeed();
  }

  /** Remembers them behind those that are known. Whether any is new. */
  #note(shown: readonly KeySuccession[]): boolean {
    const known = new Set(this.#successions.map(({ body }) => encodeBase64url(body)));
    const added = shown.filter(({ body }) => !known.has(encodeBase64url(body)));
    this.#successions = [...this.#successions, ...added].slice(0, limits.pendingSuccessions);
    return added.length > 0;
  }

  /** What says nothing about the roster in use is forgotten. */
  #succeed(): void {
    const { roster, succeeded, used } = succeedRoster(this.#certified, this.#successions, this.#own);
    this.#roster = roster;
    this.#succeeded = succeeded;
    if (this.#certified.version > 0n) this.#successions = used;
    const { roster: signed } = this.#bundle;
    if (!signed) return;
    const withSteps = create(SignedRosterSchema, { ...signed, successions: [...this.#successions] });
    this.#bundle = create(OrganisationBundleSchema, { ...this.#bundle, roster: withSteps });
  }
}

function mergedBundle(before: OrganisationBundle, now: OrganisationBundle): OrganisationBundle {
  const { roster, settings } = before;
  const keys = Object.values(sealedMembers).map((name) => [
    name,
    now[name].length > 0 ? now[name] : before[name],
  ]);
  return create(OrganisationBundleSchema, {
    ...{ organisationUid: before.organisationUid, signingPublicKey: before.signingPublicKey },
    ...(roster && { roster }),
    ...(settings && { settings }),
    ...Object.fromEntries(keys),
  });
}

function emptyRoster(organisationUid: Uid): Roster {
  return {
    organisationUid,
    version: 0n,
    parentHash: empty,
    members: [],
    teams: [],
    recoveryPublicKey: empty,
    ends: [],
    formerTeamMembers: [],
  };
}
