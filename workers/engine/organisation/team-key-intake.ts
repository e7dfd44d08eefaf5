import { encodeBase64url } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { TeamKey } from '../../../protocol/messages/gen/organisation_pb.js';
import { verifyTeamKeyAside } from '../../../protocol/signed/organisation.ts';
import type { RosterTeam } from '../../../protocol/signed/roster.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';

export interface TeamKeyIntakeParts {
  readonly organisationKey: Uint8Array;
  readonly accountUid: Uid;
  /** Of the newest roster, those that this account is in. */
  readonly teams: readonly RosterTeam[];
  /** What the device has: it was verified when it came. */
  readonly kept: readonly TeamKey[];
}

/** Signatures that are verified beside each other. */
const atOnce = 64;
/** Of a server that has so many that the organisation did not sign, nothing more is looked at. */
const mostForged = 64;

/**
 * Of the keys of teams that a server shows, those that the organisation sealed to this account: of its teams, of a version
 * up to that of the roster, one for each, signed. What a device keeps of them is so bounded by what was signed, whatever a
 * server adds. protocol.md §15.7.
 */
export class TeamKeyIntake {
  readonly #parts: TeamKeyIntakeParts;
  readonly #newest: ReadonlyMap<Uid, number>;
  readonly #known: ReadonlySet<string>;
  readonly #held = new Map<string, TeamKey>();
  #forged = 0;

  constructor(parts: TeamKeyIntakeParts) {
    this.#parts = parts;
    this.#newest = new Map(parts.teams.map(({ teamUid, keyVersion }) => [teamUid, keyVersion]));
    this.#known = new Set(parts.kept.map(nameOf));
  }

  get held(): readonly TeamKey[] {
    return [...this.#held.values()];
  }

  /** There were keys that the organisation did not sign. */
  get doubtful(): boolean {
    return this.#forged > 0;
  }

  /** Throws `bad-signature` after 64 that the organisation did not sign. */
  async take(shown: readonly TeamKey[]): Promise<void> {
    for (let at = 0; at < shown.length; at += atOnce) {
      const candidates = shown.slice(at, at + atOnce).filter((key) => this.#mayCount(key));
      const signed = await Promise.all(candidates.map((key) => this.#isSigned(key)));
      for (const [i, key] of candidates.entries()) {
        if (signed[i]) this.#held.set(placeOf(key), key);
        else this.#forged++;
      }
      if (this.#forged >= mostForged)
        throw new ProtocolError('bad-signature', 'the server shows keys of teams that nobody signed');
    }
  }

  #mayCount(key: TeamKey): boolean {
    const { teamUid, memberUid, keyVersion } = key;
    if (uidOf(memberUid) !== this.#parts.accountUid || this.#held.has(placeOf(key))) return false;
    return keyVersion >= 1 && keyVersion <= (this.#newest.get(uidOf(teamUid)) ?? 0);
  }

  async #isSigned(key: TeamKey): Promise<boolean> {
    if (this.#known.has(nameOf(key))) return true;
    const { organisationKey, accountUid: memberUid } = this.#parts;
    const { keyVersion, sealedKey, signature } = key;
    const statement = { teamUid: uidOf(key.teamUid), memberUid, keyVersion, sealedKey };
    try {
      await verifyTeamKeyAside(organisationKey, statement, signature);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'bad-signature') return false;
      throw error;
    }
  }
}

/** One of these is stored at most: a server keeps the last that was sealed for a version. */
function placeOf({ teamUid, keyVersion }: TeamKey): string {
  return `${uidOf(teamUid)} ${keyVersion}`;
}

/** What was signed, whole: nothing else goes by the name of what was verified. */
export function nameOf(key: TeamKey): string {
  return `${placeOf(key)} ${encodeBase64url(key.sealedKey)} ${encodeBase64url(key.signature)}`;
}

/** Of those that are here, what the account is in by this roster. */
export function keysOf(teams: readonly RosterTeam[], keys: readonly TeamKey[]): readonly TeamKey[] {
  const own = new Set(teams.map(({ teamUid }) => teamUid));
  return keys.filter(({ teamUid }) => own.has(uidOf(teamUid)));
}
