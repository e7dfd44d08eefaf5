// Attack classes 9 and 24: the server shows a guest's vault invitations to live sessions that it has kept or edited.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { startLiveHouse, type LiveHouse } from '../fixtures/live-house.ts';

const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };

describe.runIf(process.getuid?.() === 0)('an invitation to a live session, from a server that lies', () => {
  let house: LiveHouse;
  let running: Awaited<ReturnType<LiveHouse['open']>>;
  beforeAll(async () => void (house = await startLiveHouse()), 120_000);
  afterAll(() => house?.close());
  beforeEach(async () => (running = await open()));
  afterEach(async () => {
    running.terminal.end();
    await house.db.deleteFrom('session_share').execute();
  });

  async function open() {
    const { host, machineUid: recordUid } = house;
    const opened = await house.open((page) => host.startSession({ recordUid, ...page, display }));
    await opened.terminal.until(() => opened.terminal.count('sync') > 0 && opened.terminal.pictures > 0);
    return opened;
  }

  /** Invites the guest, to look on. */
  async function share(sessionUid = running.started.sessionUid): Promise<Uid> {
    const { host, guestUid } = house;
    return (await host.shareSession({ sessionUid, guestUid, typing: false, minutes: 30 })).shareUid;
  }

  /** What the guest's vault makes of what the server has now: a true invitation tells it to look. */
  async function shown(): Promise<readonly Uid[]> {
    const last = await share();
    for (;;) {
      const version = house.guest.states.at(-1)?.invitationsVersion ?? 0;
      const uids = (await house.guest.listInvitedSessions()).map(({ shareUid }) => shareUid);
      if (uids.includes(last)) return uids;
      await house.guest.until(({ invitationsVersion }) => invitationsVersion > version);
    }
  }

  const stored = (shareUid: Uid) =>
    house.db
      .selectFrom('session_share')
      .selectAll()
      .where('share_uid', '=', uidBytes(shareUid))
      .executeTakeFirstOrThrow();
  const store = (row: Awaited<ReturnType<typeof stored>>) =>
    house.db.insertInto('session_share').values(row).execute();
  const joinBy = (shareUid: Uid) => house.open((page) => house.guest.joinSession({ shareUid, ...page }));
  /** The gateway’s word. */
  const unknown = { name: 'not-found', message: 'no such share' };
  /** The router’s. */
  const refused = { name: 'not-allowed' };

  test('is not shown when it was edited, or is said to be of another host, share or guest', async () => {
    const row = await stored(await share());
    const { guestUid } = house;
    const forged = () => ({ ...row, share_uid: uidBytes(newUid()) });
    const edited = Uint8Array.from(row.sealed, (byte, at) =>
      at === row.sealed.length - 20 ? byte ^ 1 : byte,
    );
    const ofHosts = { ...forged(), guest_uid: row.host_uid, host_uid: uidBytes(guestUid) };
    await store(forged());
    await store({ ...forged(), sealed: edited });
    await store({ ...forged(), sealed: row.sealed.subarray(1) });
    await store({ ...forged(), host_uid: uidBytes(guestUid) });
    await store(ofHosts);
    await house.db
      .updateTable('session_share')
      .set({ sealed: edited })
      .where('share_uid', '=', row.share_uid)
      .execute();
    expect(await shown()).toHaveLength(1);
    expect(house.guest.warnings.filter((one) => one.includes('invitation'))).not.toEqual([]);
  });

  test('lets nobody in once it was taken back, nor into the next session on the machine', async () => {
    const { host, gateway } = house;
    const { sessionUid } = running.started;
    const shareUid = await share();
    const row = await stored(shareUid);
    await host.unshareSession({ sessionUid, shareUid });
    await expect(stored(shareUid)).rejects.toThrow();
    await store(row);
    expect(await shown()).toContain(shareUid);
    await expect(joinBy(shareUid)).rejects.toMatchObject(unknown);
    const next = await open();
    await house.db
      .updateTable('session_share')
      .set({ session_uid: uidBytes(next.started.sessionUid) })
      .where('share_uid', '=', uidBytes(shareUid))
      .execute();
    await expect(joinBy(shareUid)).rejects.toMatchObject(unknown);
    expect(gateway.sessions.list().filter((session) => session.shareUid !== null)).toEqual([]);
    next.terminal.end();
  });

  test('leads to the gateway that its host named, and to no other', async () => {
    const shareUid = await share();
    await shown();
    await house.db
      .updateTable('session_share')
      .set({ gateway_uid: uidBytes(newUid()) })
      .where('share_uid', '=', uidBytes(shareUid))
      .execute();
    await expect(joinBy(shareUid)).rejects.toMatchObject(refused);
  });
});
