// What a gateway says of the sessions on it, and to whom.
import { describe, expect, test } from 'vitest';
import { countShown, listTasks } from '../../../gateway/sessions/description.ts';
import type { Session } from '../../../gateway/sessions/session.ts';
import type { SessionShares } from '../../../gateway/sharing/session-shares.ts';
import { empty } from '../../../protocol/bytes.ts';
import type { RosterMember } from '../../../protocol/signed/roster.ts';
import { newUid, uidOf, type Uid } from '../../../protocol/uid.ts';

type Place = NonNullable<ReturnType<SessionShares['placeOf']>>;

describe('what is said of sessions that are watched', () => {
  const administrator = (): RosterMember => ({
    ...{ accountUid: newUid(), email: '', administrator: true },
    ...{ ecdhPublicKey: empty, signingPublicKey: empty },
  });
  const [host, watcher, other] = [administrator(), administrator(), administrator()];
  const sessionOf = (accountUid: Uid, shareUid: Uid | null = null) => {
    const about = {
      uid: newUid(),
      recordUid: newUid(),
      accountUid,
      shareUid,
      startedAtMs: 1,
      protocol: 'ssh',
    };
    return Object.assign(Object.create(null) as Session, { ...about, terms: null, unrecorded: false });
  };
  const watched = sessionOf(host.accountUid);
  const inside = sessionOf(watcher.accountUid, newUid());
  const sessions = { list: () => [watched, inside] };
  const silent: Place = { host: watched, byPolicy: true, silent: true };
  const sharesOf = (place: Place | null) => ({ placeOf: (one: Session) => (one === inside ? place : null) });
  const seenBy = (person: RosterMember, place: Place | null) =>
    listTasks(sessions, sharesOf(place), person).tasks?.map(({ taskUid }) => taskUid && uidOf(taskUid));

  test('nobody whose session it is sees a task of who looks on unseen, also while they leave', () => {
    for (const place of [silent, null]) {
      expect(seenBy(host, place)).toEqual([watched.uid]);
      expect(countShown(sessions, sharesOf(place))).toBe(1);
      expect(seenBy(watcher, place)).toEqual([watched.uid, inside.uid]);
    }
    expect(seenBy(other, silent)).toEqual([watched.uid, inside.uid]);
  });

  test('who is seen is a task and counts', () => {
    const seen = { ...silent, silent: false };
    expect(seenBy(host, seen)).toEqual([watched.uid, inside.uid]);
    expect(countShown(sessions, sharesOf(seen))).toBe(2);
  });
});
