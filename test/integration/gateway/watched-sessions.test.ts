// A live session at which an administrator looks on by policy: a real gateway, guacd and target.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { uidOf } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import type { Installation } from '../../fakes/installation.ts';
import { newPerson, type Person } from '../../fakes/organisation.ts';
import {
  endCommand,
  named,
  policyRead,
  policySet,
  sessionsCounted,
  tasksSeen,
  watched,
} from '../../fakes/oversight.ts';
import { FakePage } from '../../fakes/page.ts';
import {
  beginSession,
  installationAt,
  joined,
  outcomeOf,
  putRoster,
  resumedGuest,
  shared,
  unshared,
} from '../../fakes/shared-session.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const patience = { timeout: 30_000 };

describe.runIf(process.getuid?.() === 0)('a session that is watched', () => {
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let made: Installation;
  let admin: Person;
  let guest: Person;
  let pages: FakePage[];

  beforeAll(async () => {
    [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
  });
  afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));
  beforeEach(() => {
    pages = [];
    [admin, guest] = [newPerson(true), newPerson()];
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

  async function running(connection: Record<string, unknown> = {}) {
    made = await installationAt(sshd, connection);
    return await beginSession(made, { guacd, page: newPage(), others: [admin, guest] });
  }

  async function join(share: Awaited<ReturnType<typeof shared>>, by: Person = admin) {
    const page = newPage();
    const { session, reply } = await joined(made, share, { guest: by, page });
    const terminal = new FakeTerminal(page.openStream(reply.streamToken));
    await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
    return { page, session, reply, terminal };
  }

  const guestsSeen = (terminal: FakeTerminal) =>
    terminal.controls.flatMap(({ body }) => (body.case === 'guests' ? [body.value.guests] : []));
  const endOf = async (terminal: FakeTerminal) => (await terminal.control('ended')).body.value;

  test('shows the whole screen to who is named, and tells the person at once who looks on', async () => {
    const { session, terminal } = await running();
    expect(await policySet(made, { version: 1, overseers: [named(admin)] })).toBe('sealed');
    const inside = await join(await watched(made, session.sessionUid, admin));
    expect(inside.reply.guest).toMatchObject({ typing: false, byPolicy: true, silent: false });
    expect(inside.terminal.screen).toEqual(terminal.screen);
    await terminal.until(() => guestsSeen(terminal).length > 0);
    const [seen] = guestsSeen(terminal)[0] ?? [];
    expect(seen && [uidOf(seen.accountUid), seen.byPolicy, seen.typing]).toEqual([
      admin.accountUid,
      true,
      false,
    ]);
    const drawn = inside.terminal.bytes;
    terminal.type('echo for-everybody\n');
    await inside.terminal.until(() => inside.terminal.bytes > drawn);
    inside.terminal.end();
    await terminal.until(() => guestsSeen(terminal).at(-1)?.length === 0);
  });

  test('what who looks on types, pastes or resizes never reaches the machine', async () => {
    const { session, terminal } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const inside = await join(await watched(made, session.sessionUid, admin));
    const { screen } = terminal;
    inside.terminal.type('echo by the onlooker > by-watcher\n');
    inside.terminal.send('size', 640, 480);
    inside.terminal.send('mouse', 10, 10, 1);
    terminal.type('echo by the owner > beside-watcher\n');
    await fileHolds(sshd, 'beside-watcher', 'by the owner\n');
    expect(sshd.homeFile('by-watcher')).toBe(null);
    expect(terminal.screen).toEqual(screen);
  });

  test('unseen where the policy says so: no guest, no task and no count tells of them; seen from the moment it does not', async () => {
    const { session, terminal } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)], silent: true });
    const inside = await join(await watched(made, session.sessionUid, admin));
    expect(inside.reply.guest).toMatchObject({ byPolicy: true, silent: true });
    const invited = await shared(made, session.sessionUid, { guest });
    const other = await join(invited, guest);
    await terminal.until(() => guestsSeen(terminal).length > 0);
    const told = guestsSeen(terminal)
      .flat()
      .map(({ accountUid }) => uidOf(accountUid));
    expect(new Set(told)).toEqual(new Set([guest.accountUid]));
    const own = await tasksSeen(made, made.person);
    expect(own.map(({ kind }) => kind).sort()).toEqual(['guest', 'session']);
    expect(await sessionsCounted(made, made.person)).toBe(2);
    const all = await tasksSeen(made, admin);
    expect(all.map(({ kind }) => kind).sort()).toEqual(['guest', 'session', 'watcher']);
    expect(all.find(({ kind }) => kind === 'watcher')?.hostSessionUid).toEqual(all[0]?.taskUid);
    await policySet(made, { version: 2, overseers: [named(admin)], silent: false });
    await terminal.until(
      () =>
        guestsSeen(terminal)
          .at(-1)
          ?.some(({ byPolicy }) => byPolicy) === true,
    );
    other.terminal.end();
    inside.terminal.end();
  });

  test('who was seen stays seen, whatever the policy says later', async () => {
    const { session, terminal } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    await join(await watched(made, session.sessionUid, admin));
    await terminal.until(() => guestsSeen(terminal).length > 0);
    await policySet(made, { version: 2, overseers: [named(admin)], silent: true });
    await join(await shared(made, session.sessionUid, { guest }), guest);
    await terminal.until(() => guestsSeen(terminal).at(-1)?.length === 2);
  });

  test('the person can put no watcher out, and invitations that they take back leave them there', async () => {
    const { session, terminal } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const share = await watched(made, session.sessionUid, admin);
    const inside = await join(share);
    expect(await unshared(made, session.sessionUid, share.shareUid)).toBe('not-allowed');
    expect(await unshared(made, session.sessionUid)).toBe('sealed');
    const drawn = inside.terminal.bytes;
    terminal.type('echo still-there\n');
    await inside.terminal.until(() => inside.terminal.bytes > drawn);
    terminal.end();
    expect(await endOf(inside.terminal)).toMatchObject({ code: 'host-left' });
  });

  test('who is named no more is out at once, and so is who is no administrator any more', async () => {
    const { session } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const first = await join(await watched(made, session.sessionUid, admin));
    await policySet(made, { version: 2, overseers: [named(admin, { watch: false })] });
    expect(await endOf(first.terminal)).toMatchObject({ code: 'watch-over' });
    await policySet(made, { version: 3, overseers: [named(admin)] });
    const second = await join(await watched(made, session.sessionUid, admin));
    await putRoster(made, 3n, [made.person, { ...admin, administrator: false }, guest]);
    expect(await endOf(second.terminal)).toMatchObject({ code: 'watch-over' });
    await expect.poll(() => made.gateway?.sessions.size, patience).toBe(1);
  });

  test('goes on for a watcher who comes back by another connection', async () => {
    const { session, terminal } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const inside = await join(await watched(made, session.sessionUid, admin));
    const seen = inside.terminal.bytes;
    inside.page.drop();
    await resumedGuest(made, inside.session, { guest: admin, page: inside.page });
    terminal.type('echo after the loss\n');
    await inside.terminal.until(() => inside.terminal.bytes > seen);
  });

  test('an administrator ends it, and the person reads who and why', async () => {
    const { session, terminal } = await running();
    const command = await endCommand(made, session.sessionUid, admin, 'maintenance at noon');
    const reply = await made.router.relay(command);
    expect(reply.outcome.case).toBe('sealed');
    expect(reply.notice && [uidOf(reply.notice.sessionUid), uidOf(reply.notice.hostUid)]).toEqual([
      ...[session.sessionUid, made.person.accountUid],
    ]);
    expect(await endOf(terminal)).toMatchObject({
      code: 'ended-by-command',
      message: `${admin.accountUid}@example.test`,
      reason: 'maintenance at noon',
    });
  });

  test('where only those who are named end sessions, others do not; the gateway’s owner always does', async () => {
    const { session } = await running();
    const another = newPerson(true);
    await putRoster(made, 3n, [made.person, admin, guest, another]);
    await policySet(made, { version: 1, overseers: [named(admin, { end: false })], listedEndOnly: true });
    const tried = async (by: Person) => await outcomeOf(made, await endCommand(made, session.sessionUid, by));
    expect(await tried(admin)).toBe('not-allowed');
    expect(await tried(another)).toBe('not-allowed');
    await policySet(made, { version: 2, overseers: [named(admin, { watch: false })], listedEndOnly: true });
    expect(await tried(guest)).toBe('not-allowed');
    expect(await tried(admin)).toBe('sealed');
  });

  test('the policy outlives the gateway’s run, and administrators read it as its owner signed it', async () => {
    await running();
    await policySet(made, { version: 1, overseers: [named(admin)], silent: true });
    const read = await policyRead(made, admin);
    expect(read).toMatchObject({ version: 1n, counts: true });
    await expect(policyRead(made, guest)).rejects.toThrow('not-allowed');
    await made.gateway?.close();
    await made.start({ GUACD_POOL: guacd.path });
    expect(await policyRead(made, admin)).toEqual(read);
    expect(await policySet(made, { version: 1 })).toBe('policy-outdated');
    expect(await policySet(made, { version: 2 })).toBe('sealed');
  });
});
