// Invitations to live sessions, as a server may relay them and colleagues may write them. protocol.md §28.3.
import { expect, test } from 'vitest';
import { create } from '@bufbuild/protobuf';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { limits } from '../../../protocol/limits.ts';
import { ListSessionSharesResponseSchema } from '../../../protocol/messages/gen/session-share_pb.js';
import { sealSessionInvitation } from '../../../protocol/session/session-invitation.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import {
  SessionShares,
  type SessionSharesParts,
} from '../../../workers/engine/session-shares/session-shares.ts';
import { newPerson } from '../../fakes/organisation.ts';

const now = 1_000_000_000;
const minuteMs = 60_000;

/** A guest's vault before a server that relays what a test puts there. */
function newGuest() {
  const [host, guest] = [newPerson(), newPerson()];
  const member = { accountUid: host.accountUid, email: 'host', signingPublicKey: host.signer.publicKey };
  const relayed: { shareUid: Uint8Array; hostUid: Uint8Array; sealed: Uint8Array }[] = [];
  let asked = 0;
  let answered = Promise.resolve();
  let changes = 0;
  const warnings: string[] = [];
  const call = async () => {
    asked++;
    await answered;
    return create(ListSessionSharesResponseSchema, { shares: relayed });
  };
  const shares = new SessionShares({
    account: {
      keys: { accountUid: guest.accountUid, ecdh: guest.ecdh, signer: guest.signer },
      organisation: { roster: { members: [member] } },
    },
    session: { call, now: () => now },
    onChanged: () => void changes++,
    warn: (message: string) => void warnings.push(message),
  } as unknown as SessionSharesParts);
  return {
    ...{ shares, relayed, warnings },
    get asked() {
      return asked;
    },
    get changes() {
      return changes;
    },
    /** The server answers when that settles. */
    answerAfter: (settled: Promise<void>) => void (answered = settled),
    invite: async (untilMs: number) => {
      const shareUid = newUid();
      const ends = { shareUid, hostUid: host.accountUid, guestUid: guest.accountUid };
      const rest = { gatewayUid: newUid(), gatewayKey: host.signer.publicKey, secret: randomBytes(32) };
      const invitation = { shareUid, ...rest, typing: true, untilMs, title: 'build host' };
      const sealed = await sealSessionInvitation(host.signer, guest.ecdh.publicKey, ends, invitation);
      relayed.push({ shareUid: uidBytes(shareUid), hostUid: uidBytes(host.accountUid), sealed });
      return shareUid;
    },
  };
}

test('an invitation that is relayed many times is one', async () => {
  const guest = newGuest();
  const shareUid = await guest.invite(now + minuteMs);
  guest.relayed.push(...guest.relayed, ...guest.relayed);
  guest.shares.refresh();
  expect((await guest.shares.invited()).map((one) => one.shareUid)).toEqual([shareUid]);
});

test('an invitation for longer than a session is ever shared is none, though a colleague signed it', async () => {
  const guest = newGuest();
  await guest.invite(Number.MAX_SAFE_INTEGER);
  await guest.invite(now + limits.sessionShares.longestMs + 2 * limits.clockSkewMs);
  const kept = await guest.invite(now + limits.sessionShares.longestMs);
  guest.shares.refresh();
  expect((await guest.shares.invited()).map((one) => one.shareUid)).toEqual([kept]);
  expect(guest.warnings).toHaveLength(2);
});

test('any number of hints leads to two fetches: the one under way, and one that waits', async () => {
  const guest = newGuest();
  const answer = Promise.withResolvers<void>();
  guest.answerAfter(answer.promise);
  guest.shares.refresh();
  await expect.poll(() => guest.asked, { timeout: 15_000 }).toBe(1);
  for (let hint = 0; hint < 1_000; hint++) guest.shares.refresh();
  answer.resolve();
  await guest.shares.invited();
  expect(guest.asked).toBe(2);
});

test('a vault that is locked while invitations are fetched keeps none of them', async () => {
  const guest = newGuest();
  const answer = Promise.withResolvers<void>();
  guest.answerAfter(answer.promise);
  const shareUid = await guest.invite(now + minuteMs);
  guest.shares.refresh();
  await expect.poll(() => guest.asked, { timeout: 15_000 }).toBe(1);
  guest.shares.clear();
  answer.resolve();
  expect(await guest.shares.invited()).toEqual([]);
  await expect(guest.shares.join({ shareUid, peerUid: newUid(), offer: null })).rejects.toMatchObject({
    code: 'not-found',
  });
  expect(guest.changes).toBe(0);
  guest.shares.refresh();
  expect(guest.asked).toBe(1);
});
