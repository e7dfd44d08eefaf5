// What a roster says of who left it or a team: kept as long as it is said to be, the newest first, and no more than fit. protocol.md §20.2.
import { expect, test } from 'vitest';
import {
  findDeparted,
  hasEnded,
  withEnds,
  withFormerTeamMembers,
  type Roster,
  type RosterEnd,
} from '../../../protocol/signed/roster.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { Office } from '../../fakes/shares.ts';

const key = new Uint8Array(65).fill(4);
const invitation = (untilMs: number): RosterEnd => ({ uid: newUid(), untilMs });
const left = (untilMs: number): RosterEnd => ({
  ...invitation(untilMs),
  departed: { signingPublicKey: key },
});
const rosterWith = (ends: readonly RosterEnd[]): Roster => ({ ...new Office().roster(), ends });

test('what is over goes, and who left is known until then', () => {
  const [gone, stays, added] = [left(10), left(11), left(30)];
  const roster = rosterWith(withEnds(rosterWith([gone, stays]), [added], 10));
  expect(roster.ends).toEqual([added, stays]);
  expect([gone, stays].map(({ uid }) => hasEnded(roster, uid))).toEqual([false, true]);
  expect(findDeparted(roster, stays.uid)?.signingPublicKey).toEqual(key);
  expect([gone.uid, newUid()].map((uid) => findDeparted(roster, uid))).toEqual([null, null]);
});

test('who left a team, or was in one that is no more, is named with the key that they had, until it is over or they are back', () => {
  const [one, other, ...people] = Array.from({ length: 5 }, newUid) as [Uid, Uid, Uid, Uid, Uid];
  const [ada, ben, cora] = people;
  const team = (teamUid: Uid, keyVersion: number, ...memberUids: Uid[]) => ({
    ...{ teamUid, keyVersion, memberUids, ecdhPublicKey: key },
  });
  const until = { nowMs: 10, untilMs: 100 };
  const left = (teamUid: Uid, accountUid: Uid, keyVersion: number, untilMs = 100) => ({
    ...{ teamUid, accountUid, keyVersion, untilMs },
  });
  const before = {
    teams: [team(one, 3, ada, ben), team(other, 1, ada)],
    formerTeamMembers: [left(one, cora, 2, 50), left(other, ben, 1, 10), left(other, cora, 1, 60)],
  };
  expect(withFormerTeamMembers(before, [team(one, 4, ada, cora)], until)).toEqual([
    left(one, ben, 3),
    left(other, ada, 1),
    left(other, cora, 1, 60),
  ]);
  const again = { ...before, teams: [team(one, 5, cora)] };
  expect(withFormerTeamMembers(again, [], until)).toContainEqual(left(one, cora, 5));
});

test('of too many former members of teams, the newest stay', () => {
  const [teamUid, accountUid] = [newUid(), newUid()];
  const former = Array.from({ length: 4_000 }, (_, i) => ({
    ...{ teamUid: newUid(), accountUid, keyVersion: 1, untilMs: 100 + i },
  }));
  const team = { teamUid, keyVersion: 1, memberUids: [accountUid], ecdhPublicKey: key };
  const all = withFormerTeamMembers({ teams: [team], formerTeamMembers: former }, [], {
    nowMs: 1,
    untilMs: 9_000,
  });
  expect(all).toHaveLength(4_000);
  expect([all[0]?.teamUid, all.at(-1)?.untilMs]).toEqual([teamUid, 101]);
});

test('of too many who left, those who left first keep their end alone', () => {
  const all = Array.from({ length: 2_001 }, (_, i) => left(100 + i));
  const roster = rosterWith(withEnds(rosterWith(all), [invitation(5_000)], 1));
  expect(roster.ends).toHaveLength(2_002);
  const known = all.map(({ uid }) => findDeparted(roster, uid) !== null);
  expect([known.indexOf(true), known.filter(Boolean).length]).toEqual([1, 2_000]);
  expect(all.every(({ uid }) => hasEnded(roster, uid))).toBe(true);
});
