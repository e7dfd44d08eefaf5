// Who is in whose session, as the gateway keeps it.
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import type { Session } from '../../../gateway/sessions/session.ts';
import { SessionShares } from '../../../gateway/sharing/session-shares.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ShareSessionRequestSchema } from '../../../protocol/messages/gen/command_pb.js';
import type { Roster, RosterMember } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { collectGarbage } from '../../fixtures/garbage.ts';

/** A session that one guest may come into. */
function shared() {
  const [accountUid, guestUid, uid, shareUid] = [newUid(), newUid(), newUid(), newUid()];
  const [ending, lost] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const host = {
    ...{ uid, accountUid, terms: { sharing: 'type' }, ending: ending.promise, recordingLost: lost.promise },
    reporter: { guests: () => undefined },
  } as unknown as Session;
  const members = [accountUid, guestUid].map((one) => ({ accountUid: one, email: one }));
  const shares = new SessionShares({
    ...{ sessions: { find: () => host }, now: Date.now, log: new Logger('silent') },
    roster: () => ({ members }) as unknown as Roster,
  });
  const request = create(ShareSessionRequestSchema, {
    ...{ sessionUid: uidBytes(uid), shareUid: uidBytes(shareUid), guestUid: uidBytes(guestUid) },
    ...{ secret: randomBytes(32), untilMs: BigInt(Date.now() + 60_000) },
  });
  shares.share({ accountUid } as RosterMember, request);
  const enter = () => {
    const told: string[] = [];
    const left = Promise.withResolvers<void>();
    const end = (why: { readonly code: string }) => {
      told.push(why.code);
      left.resolve();
    };
    const recordingFailed = () => void told.push('unrecorded');
    const guest = { startedAtMs: 0, ending: left.promise, end, recordingFailed } as unknown as Session;
    shares.enter(shares.find(shareUid, guestUid), guest);
    return { guest: new WeakRef(guest), told };
  };
  return { enter, endHost: ending.resolve, loseRecording: lost.resolve };
}

test('of guests who left nothing is kept, however often they come in while the session goes on', async () => {
  const { enter, endHost } = shared();
  const first = enter().guest;
  for (let time = 0; time < 10; time++) enter();
  await setImmediate();
  collectGarbage();
  expect(first.deref()).toBe(undefined);
  endHost();
});

test('who is in it hears that it goes on unrecorded, and that it is over', async () => {
  const { enter, endHost, loseRecording } = shared();
  const left = enter().told;
  const { told } = enter();
  loseRecording();
  await setImmediate();
  endHost();
  await setImmediate();
  expect(told).toEqual(['unrecorded', 'host-left']);
  expect(left).toEqual(['joined-again']);
});
