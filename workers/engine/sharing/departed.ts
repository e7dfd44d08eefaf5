import type { FormerTeamMember, Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** A time at which nothing that was ever given has ended. */
export const beforeEveryEnd = 0;

/** Who belongs together, and who did: for the question who might have written something. Nobody may do anything by it. */
export interface People extends Pick<Roster, 'teams'> {
  readonly members: readonly { readonly accountUid: Uid }[];
  readonly formerTeamMembers: readonly FormerTeamMember[];
}

/** Who might have written an object: who left counts to its owner alone, who replaces its key. */
export function peopleFor(
  { ownerUid }: { readonly ownerUid: Uid },
  { members, teams, ends, formerTeamMembers }: Roster,
  ownUid: Uid,
): People {
  if (ownerUid !== ownUid) return { members, teams, formerTeamMembers: [] };
  const gone = ends.flatMap(({ uid, departed }) => (departed ? [{ accountUid: uid }] : []));
  return { members: [...members, ...gone], teams, formerTeamMembers };
}
