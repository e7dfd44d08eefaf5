// An administrator who looks on at a colleague's live session from a vault of their own: real server, gateway, guacd, sshd.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LiveGateway } from '../../../workers/api.ts';
import { fileHolds } from '../../fakes/terminal.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { guestEventKinds, guestEvents } from '../../fixtures/guest-events.ts';
import { startLiveHouse, type LiveHouse } from '../../fixtures/live-house.ts';

const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };
const patience = { timeout: 20_000 };

describe.runIf(process.getuid?.() === 0)('live sessions of an organisation', () => {
  let house: LiveHouse;
  beforeAll(async () => void (house = await startLiveHouse()), 120_000);
  afterAll(() => house?.close());

  async function running() {
    const { host, machineUid: recordUid } = house;
    const opened = await house.open((page) => host.startSession({ recordUid, ...page, display }));
    await opened.terminal.until(() => opened.terminal.count('sync') > 0 && opened.terminal.pictures > 0);
    return opened;
  }

  /** By events alone: asked again when the state says that there is something to ask for. */
  async function untilLive(
    engine: TestEngine,
    holds: (gateway: LiveGateway) => boolean,
  ): Promise<LiveGateway> {
    for (;;) {
      const version = engine.states.at(-1)?.liveSessionsVersion ?? 0;
      const found = (await engine.listLiveSessions()).find(holds);
      if (found) return found;
      await engine.until(({ liveSessionsVersion }) => liveSessionsVersion > version);
    }
  }

  async function gatewayUid() {
    const [view] = await house.host.listGateways();
    if (!view) throw new Error('no gateway');
    return view.uid;
  }

  async function setPolicy(rules: { silent: boolean; watch: boolean }) {
    const uid = await gatewayUid();
    const { version } = await house.host.readSessionPolicy(uid);
    const overseers = rules.watch ? [{ accountUid: house.guestUid, watch: true, end: true }] : [];
    const { silent } = rules;
    return await house.host.setSessionPolicy({
      ...{ gatewayUid: uid, version, overseers, silent, listedEndOnly: true },
    });
  }

  test('are nobody’s to list who is no administrator, and nobody’s to see whom no gateway names', async () => {
    const { host, guest, guestUid } = house;
    await expect(guest.listLiveSessions()).rejects.toMatchObject({ name: 'not-allowed' });
    await host.setAdministrator({ accountUid: guestUid, administrator: true });
    await expect
      .poll(async () => (await guest.listLiveSessions().catch(() => [])).map(({ state }) => state), patience)
      .toEqual(['unnamed']);
    const { terminal, started } = await running();
    expect(started.watch).toBe(null); // nobody may
    const own = await untilLive(host, ({ sessions }) => sessions.length === 1);
    expect(own).toMatchObject({ name: 'Office', own: true, state: 'online', mayWatch: false, mayEnd: true });
    expect(own.sessions).toMatchObject([
      { email: 'person-0@example.test', own: true, title: 'build host', protocol: 'ssh', recorded: false },
    ]);
    terminal.end();
    await untilLive(host, ({ sessions, state }) => state === 'online' && sessions.length === 0);
  });

  test('an administrator who is named sees one begin, looks on, and ends it with a reason; all of it are events', async () => {
    const { host, guest, sshd } = house;
    expect(await setPolicy({ silent: false, watch: true })).toMatchObject({
      version: 1,
      counts: true,
      overseers: [{ email: 'person-1@example.test', watch: true, end: true, counts: true }],
    });
    const uid = await gatewayUid();
    await untilLive(guest, ({ state }) => state === 'online');
    const { terminal, started } = await running();
    expect(started.watch).toEqual({ silent: false });
    const live = await untilLive(guest, ({ sessions }) => sessions.length === 1);
    expect(live).toMatchObject({ name: 'Office', own: false, mayWatch: true, mayEnd: true, silent: false });
    expect(live.sessions).toMatchObject([
      { uid: started.sessionUid, title: '', watchable: true, guests: [] },
    ]);
    const { sessionUid } = started;
    const inside = await house.open((page) => guest.watchSession({ gatewayUid: uid, sessionUid, ...page }));
    expect(inside.started.guest).toMatchObject({ byPolicy: true, silent: false, typing: false });
    await inside.terminal.until(() => inside.terminal.pictures > 0);
    inside.terminal.type('echo in vain > in-vain\n');
    await terminal.control('guests');
    terminal.type('echo seen > seen-by-host\n');
    await fileHolds(sshd, 'seen-by-host', 'seen\n', 20_000);
    expect(sshd.homeFile('in-vain')).toBe(null);
    await untilLive(guest, ({ sessions }) => sessions[0]?.guests[0]?.byPolicy === true);
    await guest.endLiveSession({ gatewayUid: uid, sessionUid, reason: 'maintenance' });
    expect((await terminal.control('ended')).body.value).toMatchObject({
      code: 'ended-by-command',
      message: 'person-1@example.test',
      reason: 'maintenance',
    });
    await untilLive(guest, ({ state, sessions }) => state === 'online' && sessions.length === 0);
    await expect
      .poll(() => guestEventKinds(host), patience)
      .toEqual(['ended-by-administrator', 'policy-set', 'watch-over', 'watched']);
    const ended = (await guestEvents(guest)).find(({ kind }) => kind === 'ended-by-administrator');
    expect(ended).toMatchObject({
      sessionUid,
      who: { email: 'person-0@example.test' },
      other: { email: 'person-1@example.test' },
    });
  });

  test('unseen, the person hears nothing of it, from the gateway or the server; taken back, the watcher is out', async () => {
    const { host, guest } = house;
    await setPolicy({ silent: true, watch: true });
    const uid = await gatewayUid();
    const { terminal, started } = await running();
    const { sessionUid } = started;
    expect(started.watch).toEqual({ silent: true }); // that they may, and no more
    await untilLive(guest, ({ silent, sessions }) => silent && sessions.length === 1);
    const before = (await guestEvents(host)).length;
    const inside = await house.open((page) => guest.watchSession({ gatewayUid: uid, sessionUid, ...page }));
    expect(inside.started.guest).toMatchObject({ byPolicy: true, silent: true });
    await inside.terminal.until(() => inside.terminal.pictures > 0);
    const watched = (await guestEvents(guest))[0];
    expect(watched).toMatchObject({ kind: 'watched', silent: true, sessionUid });
    await setPolicy({ silent: true, watch: false });
    expect((await inside.terminal.control('ended')).body.value).toMatchObject({ code: 'watch-over' });
    await expect
      .poll(async () => (await guestEvents(guest)).slice(0, 2).map(({ kind }) => kind), patience)
      .toContain('watch-over');
    const events = await guestEvents(host);
    expect(events.slice(0, events.length - before).map(({ kind }) => kind)).toEqual(['policy-set']);
    const own = await untilLive(host, ({ sessions }) => sessions.length === 1);
    expect(own.sessions[0]?.guests).toEqual([]);
    expect(terminal.controls.some(({ body }) => body.case === 'guests')).toBe(false);
    await expect(
      guest.watchSession({ gatewayUid: uid, sessionUid, peerUid: sessionUid, offer: 'v=0' }),
    ).rejects.toMatchObject({ name: 'not-allowed' });
    terminal.end();
  });

  test('a policy of before another one is not written over, and nobody but an administrator is named', async () => {
    const { host, guest, guestUid } = house;
    const uid = await gatewayUid();
    const set = { gatewayUid: uid, silent: false, listedEndOnly: false };
    await expect(host.setSessionPolicy({ ...set, version: 1, overseers: [] })).rejects.toMatchObject({
      name: 'conflict',
    });
    const { version } = await host.readSessionPolicy(uid);
    await host.setAdministrator({ accountUid: guestUid, administrator: false });
    const overseers = [{ accountUid: guestUid, watch: true, end: true }];
    await expect(host.setSessionPolicy({ ...set, version, overseers })).rejects.toMatchObject({
      name: 'not-found',
    });
    await expect(guest.readSessionPolicy(uid)).rejects.toMatchObject({ name: 'gateway-unknown' });
  });
});
