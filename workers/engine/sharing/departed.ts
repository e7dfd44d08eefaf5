import type { Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** A time at which nothing that was ever given has ended. */
export const beforeEveryEnd = 0;

/** Who belongs together: of a roster, what rights follow from. */
export type People = Pick<Roster, 'teams'> & { readonly members: readonly { readonly accountUid: Uid }[] };

/**
 * The members with those who left, in the teams that they were in then: for the question who might have written something.
 * Nobody may do anything by it.
 */
export function beforeLeaving({ members, teams, ends }: Roster): People {
  const gone = ends.flatMap(({ uid, departed }) => (departed ? [{ accountUid: uid, ...departed }] : []));
  if (gone.length === 0) return { members, teams };
  return {
    members: [...members, ...gone],
    teams: teams.map((team) => {
      const left = gone.filter(({ teamUids }) => teamUids.includes(team.teamUid));
      return { ...team, memberUids: [...team.memberUids, ...left.map(({ accountUid }) => accountUid)] };
    }),
  };
}

/** Who might have written an object: who left counts to its owner alone, who replaces its key. */
export function peopleFor({ ownerUid }: { readonly ownerUid: Uid }, roster: Roster, ownUid: Uid): People {
  return ownerUid === ownUid ? beforeLeaving(roster) : roster;
}
