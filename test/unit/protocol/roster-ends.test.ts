// What a roster says of who left: kept as long as it is said to be, the newest first, and no more than fit. protocol.md §20.2.
import { expect, test } from 'vitest';
import {
  findDeparted,
  hasEnded,
  withEnds,
  type Roster,
  type RosterEnd,
} from '../../../protocol/signed/roster.ts';
import { newUid } from '../../../protocol/uid.ts';
import { Office } from '../../fakes/shares.ts';

const key = new Uint8Array(65).fill(4);
const invitation = (untilMs: number): RosterEnd => ({ uid: newUid(), untilMs });
const left = (untilMs: number): RosterEnd => ({
  ...invitation(untilMs),
  departed: { signingPublicKey: key, teamUids: [] },
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

test('of too many who left, those who left first keep their end alone', () => {
  const all = Array.from({ length: 2_001 }, (_, i) => left(100 + i));
  const roster = rosterWith(withEnds(rosterWith(all), [invitation(5_000)], 1));
  expect(roster.ends).toHaveLength(2_002);
  const known = all.map(({ uid }) => findDeparted(roster, uid) !== null);
  expect([known.indexOf(true), known.filter(Boolean).length]).toEqual([1, 2_000]);
  expect(all.every(({ uid }) => hasEnded(roster, uid))).toBe(true);
});
