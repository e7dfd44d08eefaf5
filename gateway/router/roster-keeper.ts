import { encodeBase64url, equal, type Bytes } from '../../protocol/bytes.ts';
import type { KeySuccession, SignedRoster } from '../../protocol/messages/gen/account_pb.js';
import type { RosterPart } from '../../protocol/messages/gen/link_pb.js';
import { limits } from '../../protocol/limits.ts';
import { succeedRoster } from '../../protocol/signed/key-succession.ts';
import { RosterAssembly } from '../../protocol/signed/roster-parts.ts';
import { pointOf, requireSamePast, type RosterPoint } from '../../protocol/signed/roster-succession.ts';
import { findMember, verifyRoster, type Roster, type RosterMember } from '../../protocol/signed/roster.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { RisingState } from '../rising-state.ts';
import { Refusal } from './refusal.ts';

export interface RosterKeeperOptions {
  readonly organisationUid: Uid;
  /** From the sealed configuration record: the only key whose rosters count. */
  readonly organisationKey: Bytes;
  readonly state: RisingState;
  /** Asks the router for the newest roster, which comes by `accept`. */
  readonly request: () => void;
  readonly waitMs?: number;
}

/** How long a command waits for the roster that it names: well inside the router's own patience. */
const defaultWaitMs = 5_000;

/** Who may give orders: the newest roster that the organisation's key signed. It only rises, over restarts too. */
export class RosterKeeper {
  readonly #options: RosterKeeperOptions;
  readonly #assembly = new RosterAssembly();
  #roster: Roster | null = null;
  /** As it was signed: without what its members' keys became. */
  #certified: Roster | null = null;
  #successions: readonly KeySuccession[] = [];
  #point: RosterPoint | null = null;
  #waiting = new Set<() => void>();

  constructor(options: RosterKeeperOptions) {
    this.#options = options;
  }

  /** The newest version seen, by this process or an earlier one. */
  get version(): bigint {
    return this.#options.state.versions.roster;
  }

  /** What counts now; null until the router has brought one. */
  get present(): Roster | null {
    return this.#roster;
  }

  /**
   * Takes over what the router brought. Throws `bad-signature`, `malformed`, or `untrusted` for another organisation,
   * an older roster, or one that does not follow from the one in use, which stays then.
   */
  async accept(signed: SignedRoster): Promise<Roster> {
    try {
      const roster = this.#verify(signed);
      await this.#options.state.raise({ roster: roster.version });
      if (this.#certified === null || roster.version > this.#certified.version) {
        this.#certified = roster;
        this.#point = pointOf(roster, signed);
      }
      return this.#succeed(this.#certified, signed.successions);
    } finally {
      this.#wake();
    }
  }

  /** A part of one that no frame holds; null until the last is here. Throws as `accept` does. */
  async acceptPart(part: RosterPart): Promise<Roster | null> {
    const signed = this.#assembly.add(part);
    return signed === null ? null : await this.accept(signed);
  }

  /** Keys that a member gave up do not come back when the router shows that no more: what was seen stays. §23.2. */
  #succeed(certified: Roster, shown: readonly KeySuccession[]): Roster {
    const before = new Set(this.#successions.map(({ body }) => encodeBase64url(body)));
    const added = shown.filter(({ body }) => !before.has(encodeBase64url(body)));
    const all = [...this.#successions, ...added].slice(0, limits.pendingSuccessions);
    const { roster, used } = succeedRoster(certified, all);
    this.#successions = used;
    this.#roster = roster;
    return roster;
  }

  /** What lies between two rosters further apart, the gateway does not see: the signature vouches for it. */
  #verify(signed: SignedRoster): Roster {
    const { organisationUid, organisationKey } = this.#options;
    const expected = { organisationUid, organisationKey, minimumVersion: this.version };
    const roster = verifyRoster(signed, expected);
    if (this.#point !== null) requireSamePast(this.#point, roster, signed);
    return roster;
  }

  /** A roster of at least this version, fetched when need be. Throws `roster-outdated` when none comes. */
  async atLeast(version: bigint): Promise<Roster> {
    const wanted = version > this.version ? version : this.version;
    if (this.#roster === null || this.#roster.version < wanted) await this.#fetch();
    if (this.#roster !== null && this.#roster.version >= wanted) return this.#roster;
    throw new Refusal('roster-outdated', 'the roster that the command names has not reached the gateway');
  }

  /**
   * The sealed configuration may demand a newer roster than a command was checked against: the member must be in that one
   * too, with the same key. Throws `roster-outdated` or `not-in-roster`.
   */
  async requireMember(version: bigint, member: RosterMember): Promise<void> {
    const now = findMember(await this.atLeast(version), member.accountUid);
    if (now === null || !equal(now.signingPublicKey, member.signingPublicKey))
      throw new Refusal('not-in-roster');
  }

  /** Settles with the next answer, whatever it is, or when there was time enough for one. */
  #fetch(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.#options.waitMs ?? defaultWaitMs);
      if (this.#waiting.size === 0) this.#options.request();
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
