import type { Bytes } from '../../../protocol/bytes.ts';
import type { Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** Who belongs to the organisation, as its own key signed, and the keys of the teams that this account is in. */
export interface RosterSource {
  /** The newest verified roster. Another object whenever it changed. */
  readonly roster: Roster;
  /** Brings a roster of at least that version, and as many successions, when the server has them; never throws. */
  atLeast(version: bigint, successions?: bigint): Promise<void>;
  /** The key pairs of a team that this account was given, the newest first. */
  teamKeys(teamUid: Uid): Promise<readonly KeyPair[]>;
}

/** The organisation of an account that is being opened: who keeps it up to date is there a moment later. */
export function rostersOf(
  organisation: { readonly roster: Roster },
  keeper: () => Pick<RosterSource, 'atLeast' | 'teamKeys'> | null,
): RosterSource {
  return {
    get roster() {
      return organisation.roster;
    },
    atLeast: async (version, successions) => await keeper()?.atLeast(version, successions),
    teamKeys: async (teamUid) => (await keeper()?.teamKeys(teamUid)) ?? [],
  };
}

export interface KeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
}
