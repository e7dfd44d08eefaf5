// A live session with guests in it: real peer connections, a real gateway, guacd and targets.
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SessionRecorder } from '../../../gateway/recording/session-recorder.ts';
import { uidOf } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { Installation } from '../../fakes/installation.ts';
import { newPerson, type Person } from '../../fakes/organisation.ts';
import { FakePage } from '../../fakes/page.ts';
import {
  beginSession,
  installationAt,
  joined,
  outcomeOf,
  prepareJoin,
  putRoster,
  resumedGuest,
  shared,
  unshared,
} from '../../fakes/shared-session.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startDesktop, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const patience = { timeout: 30_000 };

describe.runIf(asRoot)('a shared session', () => {
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let desktop: DesktopTarget;
  let made: Installation;
  let guest: Person;
  let pages: FakePage[];

  beforeAll(async () => {
    [guacd, sshd, desktop] = await Promise.all([startTestGuacdPool(), startSshTarget(), startDesktop()]);
  });
  afterAll(() => Promise.all([guacd?.stop(), sshd?.stop(), desktop?.stop()]));

  beforeEach(() => {
    pages = [];
    guest = newPerson();
  });
  afterEach(async () => {
    for (const page of pages) page.close();
    await made.stop();
  });

  const newPage = () => {
    const page = new FakePage({ comesBack: true });
    pages.push(page);
    return page;
  };

  async function open(connection: Record<string, unknown> = {}) {
    made = await installationAt(sshd, connection);
    return await begin();
  }

  const begin = () => beginSession(made, { guacd, page: newPage(), others: [guest] });

  async function join(share: Awaited<ReturnType<typeof shared>>) {
    const page = newPage();
    const { session, reply } = await joined(made, share, { guest, page });
    const terminal = new FakeTerminal(page.openStream(reply.streamToken));
    return { page, session, reply, terminal };
  }

  const guestsSeen = (terminal: FakeTerminal) =>
    terminal.controls.flatMap(({ body }) => (body.case === 'guests' ? [body.value.guests] : []));
  const endOf = async (terminal: FakeTerminal) => {
    const { body } = await terminal.control('ended');
    return body.case === 'ended' ? body.value.code : '';
  };

  test('shows a guest the whole screen, of the owner’s size, and tells the owner who is there', async () => {
    const { session, reply, terminal } = await open();
    expect(reply.sharing).toBe(2);
    const share = await shared(made, session.sessionUid, { guest });
    const inside = await join(share);
    expect(inside.reply).toMatchObject({ protocol: 'ssh', resizes: false, guest: { typing: false } });
    expect(inside.reply.guest?.hostEmail).toBe(`${made.person.accountUid}@example.test`);
    await inside.terminal.until(() => inside.terminal.pictures > 0 && inside.terminal.count('sync') > 0);
    expect(inside.terminal.screen).toEqual(terminal.screen);
    await terminal.until(() => guestsSeen(terminal).length > 0);
    const [seen] = guestsSeen(terminal)[0] ?? [];
    expect(seen && [uidOf(seen.accountUid), seen.email, seen.typing]).toEqual([
      ...[guest.accountUid, `${guest.accountUid}@example.test`, false],
    ]);
    const drawn = inside.terminal.bytes;
    terminal.type('echo for-everybody\n');
    await inside.terminal.until(() => inside.terminal.bytes > drawn);
    inside.terminal.end();
    await terminal.until(() => guestsSeen(terminal).at(-1)?.length === 0);
  });

  test('keys, sizes and pastes of a guest who looks on never reach the machine; of one who types keys do', async () => {
    const { session, terminal } = await open();
    const looking = await join(await shared(made, session.sessionUid, { guest }));
    const typing = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    await looking.terminal.until(() => looking.terminal.count('sync') > 0);
    await typing.terminal.until(() => typing.terminal.count('sync') > 0);
    const { screen } = terminal;
    looking.terminal.type('echo by the onlooker > by-onlooker\n');
    looking.terminal.send('size', 640, 480);
    typing.terminal.send('size', 640, 480);
    typing.terminal.type('echo by the guest > by-guest\n');
    await fileHolds(sshd, 'by-guest', 'by the guest\n');
    terminal.type('echo by the owner > by-owner\n');
    await fileHolds(sshd, 'by-owner', 'by the owner\n');
    expect(sshd.homeFile('by-onlooker')).toBe(null);
    expect(terminal.screen).toEqual(screen);
  });

  test('what a guest types counts only while the owner’s page is there', async () => {
    const { page, session } = await open();
    const inside = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    page.drop();
    await expect.poll(() => made.logLines.some((line) => line.includes('page away')), patience).toBe(true);
    inside.terminal.type('echo unseen > unseen\n');
    await made.resume(page, session);
    inside.terminal.type('\necho seen > seen\n');
    await fileHolds(sshd, 'seen', 'seen\n');
    expect(sshd.homeFile('unseen')).toBe(null);
  });

  test('taken back, a guest is out at once, and cannot come again', async () => {
    const { session, terminal } = await open();
    const share = await shared(made, session.sessionUid, { guest });
    const inside = await join(share);
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    expect(await unshared(made, session.sessionUid, share.shareUid)).toBe('sealed');
    expect(await endOf(inside.terminal)).toBe('share-taken-back');
    await terminal.until(() => guestsSeen(terminal).at(-1)?.length === 0);
    const again = await prepareJoin(made, share, { guest, page: newPage() });
    expect(await outcomeOf(made, again.command)).toBe('not-found');
  });

  test('ends for a guest with the owner’s, and with the time of the share', async () => {
    const { session, terminal } = await open();
    const short = await shared(made, session.sessionUid, { guest, untilMs: Date.now() + 10_000 });
    const one = await join(short);
    const two = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    expect(await endOf(one.terminal)).toBe('share-over');
    terminal.end();
    expect(await endOf(two.terminal)).toBe('host-left');
    await two.terminal.over;
    await expect.poll(() => made.gateway?.sessions.size, patience).toBe(0);
  });

  test.each([
    ['the owner’s page says goodbye to guacd', (terminal: FakeTerminal) => terminal.send('disconnect')],
    ['the machine ends it', (terminal: FakeTerminal) => terminal.type('exit\n')],
  ])('ends for a guest, and for no other reason, when %s', async (_, end) => {
    const { session, terminal } = await open();
    const inside = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    end(terminal);
    expect(await endOf(inside.terminal)).toBe('host-left');
    await expect.poll(() => made.gateway?.sessions.size, patience).toBe(0);
  });

  test('ends for a guest whom a new roster leaves out', async () => {
    const { session } = await open();
    const inside = await join(await shared(made, session.sessionUid, { guest }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    await putRoster(made, 3n, [made.person]);
    expect(await endOf(inside.terminal)).toBe('access-ended');
  });

  test('goes on for a guest who comes back by another connection', async () => {
    const { session, terminal } = await open();
    const inside = await join(await shared(made, session.sessionUid, { guest }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    const seen = inside.terminal.bytes;
    inside.page.drop();
    await resumedGuest(made, inside.session, { guest, page: inside.page });
    terminal.type('echo after the loss\n');
    await inside.terminal.until(() => inside.terminal.bytes > seen);
  });

  test('a guest who takes nothing slows nobody, and sees the present screen when they look again', async () => {
    const { session, terminal } = await open();
    const inside = await join(await shared(made, session.sessionUid, { guest }));
    await inside.terminal.until(() => inside.terminal.count('sync') > 0);
    inside.terminal.pause();
    terminal.type('seq 1 300000; echo over > flood-over\n');
    await fileHolds(sshd, 'flood-over', 'over\n', 60_000);
    const seen = inside.terminal.bytes;
    inside.terminal.read();
    await inside.terminal.until(() => inside.terminal.bytes > seen);
  });

  test('desktops are shared as well', async () => {
    const { port, password } = desktop;
    const target = { host: '127.0.0.1', port, username: '', password };
    made = await Installation.make({ ...target, connection: { protocol: 'vnc', watermark: true } });
    const { session, terminal } = await begin();
    const inside = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    expect(inside.reply).toMatchObject({ protocol: 'vnc', watermark: true });
    await inside.terminal.until(() => inside.terminal.pictures > 0);
    expect(inside.terminal.screen).toEqual(terminal.screen);
    inside.terminal.type('echo by a guest > vnc-guest\n');
    await fileHolds(desktop, 'vnc-guest', 'by a guest\n');
  });

  test('the recording is told who types, each time that it is somebody else', async () => {
    const typed = vi.spyOn(SessionRecorder.prototype, 'typed');
    made = await installationAt(sshd, { sessionRecording: true, recordingPolicy: 'best-effort' });
    const environment = { SALLYPORT_GATEWAY_RECORDINGS: path.join(made.folder, 'recordings') };
    const { session, terminal } = await beginSession(made, {
      ...{ guacd, page: newPage(), others: [guest], environment },
    });
    const inside = await join(await shared(made, session.sessionUid, { guest, typing: true }));
    await inside.terminal.until(() => inside.terminal.pictures > 0);
    terminal.type('echo host > typed-1\n');
    await fileHolds(sshd, 'typed-1', 'host\n');
    inside.terminal.send('mouse', 5, 5, 0); // looks on with the pointer
    inside.terminal.type('echo guest > typed-2\n');
    await fileHolds(sshd, 'typed-2', 'guest\n');
    terminal.type('echo again > typed-3\n');
    await fileHolds(sshd, 'typed-3', 'again\n');
    const turns = typed.mock.calls.map(([by]) => by).filter((by, at, all) => by !== all[at - 1]);
    expect(turns).toEqual([made.person.accountUid, guest.accountUid, made.person.accountUid]);
    typed.mockRestore();
  });

  test('guests are told that the session is recorded', async () => {
    const { session } = await open({ sessionRecording: true, recordingPolicy: 'best-effort' });
    const inside = await join(await shared(made, session.sessionUid, { guest }));
    expect(inside.reply.recording).toMatchObject({ graphical: false, text: true });
  });
});
