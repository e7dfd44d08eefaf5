import type { Bytes } from '../../../protocol/bytes.ts';
import type { Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** Who belongs to the organisation, as its own key signed, and the keys of the teams that this account is in. */
export interface RosterSource {
  /** The newest verified roster. Another object whenever it changed. */
  readonly roster: Roster;
  /** Brings a roster of at least that version when the server has one; never throws. */
  atLeast(version: bigint): Promise<void>;
  /** The key pair of a team, when this account is a member and has it. */
  teamKey(teamUid: Uid): Promise<KeyPair | null>;
}

/** The organisation of an account that is being opened: who keeps it up to date is there a moment later. */
export function rostersOf(
  organisation: { readonly roster: Roster },
  keeper: () => Pick<RosterSource, 'atLeast' | 'teamKey'> | null,
): RosterSource {
  return {
    get roster() {
      return organisation.roster;
    },
    atLeast: async (version) => await keeper()?.atLeast(version),
    teamKey: async (teamUid) => (await keeper()?.teamKey(teamUid)) ?? null,
  };
}

export interface KeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
}
