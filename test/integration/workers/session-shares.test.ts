// A live session shared from one vault with another: real server, gateway, guacd and sshd.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { guestEventKinds, guestEvents } from '../../fixtures/guest-events.ts';
import { startLiveHouse, type LiveHouse } from '../../fixtures/live-house.ts';
import { fileHolds } from '../../fakes/terminal.ts';

const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };
const patience = { timeout: 20_000 };

describe.runIf(process.getuid?.() === 0)('a live session, shared', () => {
  let house: LiveHouse;
  beforeAll(async () => void (house = await startLiveHouse()), 120_000);
  afterAll(() => house?.close());

  async function running() {
    const { host, machineUid: recordUid } = house;
    const opened = await house.open((page) => host.startSession({ recordUid, ...page, display }));
    await opened.terminal.until(() => opened.terminal.count('sync') > 0 && opened.terminal.pictures > 0);
    return opened;
  }

  async function untilInvited(engine: TestEngine, holds: (shares: readonly Uid[]) => boolean): Promise<void> {
    for (;;) {
      const version = engine.states.at(-1)?.invitationsVersion ?? 0;
      if (holds((await engine.listInvitedSessions()).map(({ shareUid }) => shareUid))) return;
      await engine.until(({ invitationsVersion }) => invitationsVersion > version);
    }
  }

  test('reaches the colleague’s vault, who joins, types, and is out when it is taken back; all of it are events', async () => {
    const { host, guest, guestUid, sshd } = house;
    const { started, terminal } = await running();
    expect(started).toMatchObject({ sharing: 'type', guest: null });
    const { sessionUid } = started;
    const share = await host.shareSession({ sessionUid, guestUid, typing: true, minutes: 30 });
    expect(share).toMatchObject({ guestUid, email: 'person-1@example.test', typing: true });
    const { shareUid } = share;
    await untilInvited(guest, (uids) => uids.includes(shareUid));
    expect(await guest.listInvitedSessions()).toMatchObject([
      { shareUid, hostEmail: 'person-0@example.test', title: 'build host', typing: true, until: share.until },
    ]);
    const inside = await house.open((page) => guest.joinSession({ shareUid, ...page }));
    expect(inside.started).toMatchObject({
      ...{ protocol: 'ssh', files: null, sharing: 'off', resizes: false },
      guest: { hostEmail: 'person-0@example.test', typing: true, until: share.until },
    });
    await inside.terminal.until(() => inside.terminal.count('sync') > 0 && inside.terminal.pictures > 0);
    inside.terminal.type('echo from a colleague > by-colleague\n');
    await fileHolds(sshd, 'by-colleague', 'from a colleague\n', 20_000);
    await terminal.control('guests');
    await host.unshareSession({ sessionUid, shareUid });
    expect((await inside.terminal.control('ended')).body.value).toMatchObject({ code: 'share-taken-back' });
    await untilInvited(guest, (uids) => uids.length === 0);
    await expect(guest.joinSession({ shareUid, peerUid: sessionUid, offer: 'v=0' })).rejects.toMatchObject({
      name: 'not-found',
    });
    await expect
      .poll(() => guestEventKinds(guest), patience)
      .toEqual(['joined', 'left', 'shared', 'unshared']);
    const events = await guestEvents(host);
    expect(events.at(-1)).toMatchObject({
      ...{ kind: 'shared', sessionUid, title: 'build host', gateway: 'Office', silent: false },
      ...{ who: { email: 'person-0@example.test' }, other: { email: 'person-1@example.test' } },
    });
    terminal.end();
  });

  test('the end of the session ends the invitations to it', async () => {
    const { host, guest, guestUid } = house;
    const { started, terminal } = await running();
    const { sessionUid } = started;
    const share = { sessionUid, guestUid, typing: false, minutes: 5 };
    const { shareUid } = await host.shareSession(share);
    await untilInvited(guest, (uids) => uids.includes(shareUid));
    const inside = await house.open((page) => guest.joinSession({ shareUid, ...page }));
    terminal.end();
    expect((await inside.terminal.control('ended')).body.value).toMatchObject({ code: 'host-left' });
    await untilInvited(guest, (uids) => uids.length === 0);
    await expect(host.shareSession(share)).rejects.toMatchObject({ name: expect.any(String) });
  });

  test('a guest who signs out is out at once', async () => {
    const { host, guest, guestUid } = house;
    const { started } = await running();
    const { sessionUid } = started;
    const { shareUid } = await host.shareSession({ sessionUid, guestUid, typing: true, minutes: 5 });
    await untilInvited(guest, (uids) => uids.includes(shareUid));
    const inside = await house.open((page) => guest.joinSession({ shareUid, ...page }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    await guest.signOut();
    expect((await inside.terminal.control('ended')).body.value).toMatchObject({ code: 'signed-out' });
  });
});
