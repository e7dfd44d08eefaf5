// What a server notes of sessions, as owner, guest, administrator and stranger see it; a gateway's word counts for its own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { SessionEventKind } from '../../../protocol/messages/gen/session-share_pb.js';
import { addEvents } from '../../../server/session-shares/session-events.ts';
import { SessionLog } from '../../../server/session-log/session-log.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';
import type { SessionLogFilter } from '../../../workers/api.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startOpenOrganisation, type OpenOrganisation } from '../../fixtures/open-organisation.ts';

const any: SessionLogFilter = { recordUid: null, accountUid: null, group: null, from: null, before: null };

describe('the log of sessions', () => {
  let house: OpenOrganisation;
  let log: SessionLog;
  let machine: Uid;
  const gatewayUid = newUid();
  beforeAll(async () => {
    house = await startOpenOrganisation(3);
    log = new SessionLog(house.db, createLogger('error', new Scrubber()));
    const content = { type: 'pamMachine', title: 'Web server', fields: [] };
    machine = await house.person(1).engine.saveRecord({ content });
  });
  afterAll(() => house?.close());

  const open = async (accountUid: Uid, at: number) => {
    const sessionUid = newUid();
    await log.opened({ sessionUid, recordUid: machine, accountUid, gatewayUid }, at);
    return sessionUid;
  };
  const seen = async (engine: TestEngine, filter: Partial<SessionLogFilter> = {}) =>
    (await engine.listSessionLog({ filter: { ...any, ...filter }, after: null })).entries;
  const kinds = async (engine: TestEngine, filter: Partial<SessionLogFilter> = {}) =>
    (await seen(engine, filter)).map(({ kind }) => kind);

  test('owner and administrator see who connected, until when, why it ended and which files went; others nothing', async () => {
    const [admin, owner, stranger] = [house.person(0), house.person(1), house.person(2)];
    const begun = Date.now() - 60_000;
    const sessionUid = await open(owner.uid, begun);
    log.moved(gatewayUid, sessionUid, { upload: true, count: 2, size: 2_000, finished: true }, begun + 1);
    await expect.poll(() => kinds(owner.engine), { timeout: 15_000 }).toContain('files');
    log.ended(gatewayUid, sessionUid, 'idle-timeout', begun + 2);
    await expect.poll(() => kinds(owner.engine), { timeout: 15_000 }).toEqual(['ended', 'files', 'opened']);
    expect(await seen(owner.engine)).toMatchObject([
      { kind: 'ended', code: 'idle-timeout', title: 'Web server', who: { email: 'person-1@example.test' } },
      { kind: 'files', upload: true, size: 2_000, count: 2, finished: true },
      { kind: 'opened', recordUid: machine, sessionUid },
    ]);
    expect(await kinds(admin.engine)).toEqual(['ended', 'files', 'opened']);
    expect((await seen(admin.engine))[0]?.title).toBe(''); // not in their vault
    expect(await kinds(stranger.engine)).toEqual([]);
    expect(await kinds(stranger.engine, { recordUid: machine })).toEqual([]);
  });

  test('no session comes twice: its second beginning would be noted nowhere', async () => {
    const { uid } = house.person(1);
    const sessionUid = newUid();
    const opening = { sessionUid, recordUid: machine, accountUid: uid, gatewayUid };
    await log.requireNew(gatewayUid, sessionUid);
    await log.opened(opening, 1);
    await expect(log.requireNew(gatewayUid, sessionUid)).rejects.toMatchObject({ code: 'conflict' });
    await expect(log.opened(opening, 2)).rejects.toMatchObject({ code: 'conflict' });
    const gone = { ...opening, sessionUid: newUid(), recordUid: newUid() };
    await expect(log.opened(gone, 3)).rejects.toMatchObject({ code: 'conflict' });
    await house.db.deleteFrom('session_log').where('session_uid', '=', uidBytes(sessionUid)).execute();
  });

  const joinedBy = async (event: { host: Uid; guest: Uid; session?: Uid; silent?: boolean }) => {
    const { host, guest, session = newUid(), silent = false } = event;
    const place = { session_uid: uidBytes(session), gateway_uid: uidBytes(gatewayUid), silent };
    const subject = { ...place, host_uid: uidBytes(host), guest_uid: uidBytes(guest) };
    const kind = silent ? SessionEventKind.WATCHED : SessionEventKind.JOINED;
    await addEvents(house.db, kind, [subject], Date.now());
  };
  const guests = { group: 'guests' } as const;

  test('who looks on unseen is shown to administrators, and to none whose session it is', async () => {
    const [admin, owner] = [house.person(0), house.person(1)];
    await joinedBy({ host: admin.uid, guest: owner.uid, silent: true });
    expect(await kinds(admin.engine, guests)).toEqual([]);
    expect(await kinds(owner.engine, guests)).toEqual([]); // no administrator any more
    await joinedBy({ host: owner.uid, guest: admin.uid, silent: true });
    expect(await kinds(admin.engine, guests)).toEqual(['watched']);
    expect(await kinds(owner.engine, guests)).toEqual([]);
    await house.db.deleteFrom('session_event').execute();
  });

  test('of guests host, guest and the machine’s owner hear once each, whichever of them they are; others nothing', async () => {
    const [admin, owner, other] = [house.person(0), house.person(1), house.person(2)];
    const session = await open(other.uid, 1);
    await joinedBy({ host: other.uid, guest: admin.uid, session });
    expect(await kinds(owner.engine, guests)).toEqual(['joined']); // on their machine
    expect(await kinds(other.engine, guests)).toEqual(['joined']);
    const own = await open(owner.uid, 1);
    await joinedBy({ host: owner.uid, guest: admin.uid, session: own });
    expect(await kinds(owner.engine, guests)).toEqual(['joined', 'joined']);
    expect(await kinds(other.engine, guests)).toEqual(['joined']);
    await joinedBy({ host: admin.uid, guest: owner.uid });
    expect(await kinds(owner.engine, guests)).toEqual(['joined', 'joined', 'joined']);
    expect(await kinds(admin.engine, guests)).toEqual(['joined', 'joined', 'joined']);
    const noted = [uidBytes(session), uidBytes(own)];
    await house.db.deleteFrom('session_log').where('session_uid', 'in', noted).execute();
    await house.db.deleteFrom('session_event').execute();
  });

  test('filters by machine, person, kind and time, and pages lose nothing', async () => {
    const { engine: admin } = house.person(0);
    const at = Date.now() + 60_000;
    const other = house.person(2).uid;
    for (let index = 0; index < 120; index++) await open(other, at);
    expect(await kinds(admin, { group: 'files' })).toEqual(['files']);
    expect(await kinds(admin, { group: 'recordings' })).toEqual([]);
    expect(await kinds(admin, { before: at })).toEqual(['ended', 'files', 'opened']);
    expect(await kinds(admin, { recordUid: newUid() })).toEqual([]);
    const filter = { ...any, accountUid: other, from: at };
    const first = await admin.listSessionLog({ filter, after: null });
    const last = first.entries.at(-1)?.place ?? null;
    const second = await admin.listSessionLog({ filter, after: last });
    expect([first.entries.length, first.more, second.entries.length, second.more]).toEqual([
      100,
      true,
      20,
      false,
    ]);
    const ids = [...first.entries, ...second.entries].map(({ place }) => place.id);
    expect(new Set(ids).size).toBe(120);
  });

  test('an end before its beginning was noted counts, another gateway’s word does not, and one end is one', async () => {
    const { engine, uid } = house.person(1);
    const entriesOf = async (sessionUid: Uid) =>
      (await seen(engine, { accountUid: uid })).filter((entry) => entry.sessionUid === sessionUid);
    const early = newUid();
    log.ended(gatewayUid, early, 'closed', 5);
    await expect
      .poll(
        async () => {
          const opening = { sessionUid: early, recordUid: machine, accountUid: uid, gatewayUid };
          await log.opened(opening, 4).catch(() => {}); // noted by an earlier look
          return (await entriesOf(early)).map(({ kind }) => kind);
        },
        { timeout: 15_000 },
      )
      .toEqual(['ended', 'opened']);
    const session = await open(uid, 10);
    log.ended(newUid(), session, 'closed', 11);
    log.moved(newUid(), session, { upload: true, count: 1, size: 1, finished: true }, 11);
    log.moved(gatewayUid, session, { upload: true, count: 0, size: 1, finished: true }, 11);
    log.ended(gatewayUid, session, 'gateway-lost', 12);
    await expect
      .poll(async () => (await entriesOf(session))[0]?.code, { timeout: 15_000 })
      .toBe('gateway-lost');
    log.ended(gatewayUid, session, 'closed', 13);
    await expect.poll(async () => (await entriesOf(session))[0]?.code, { timeout: 15_000 }).toBe('closed');
    log.ended(gatewayUid, session, 'Not <a> code', 14);
    expect((await entriesOf(session)).map(({ kind }) => kind)).toEqual(['ended', 'opened']);
    const rows = house.db
      .selectFrom('session_log')
      .select('kind')
      .where('session_uid', '=', uidBytes(session));
    expect(await rows.execute()).toHaveLength(2);
  });
});
