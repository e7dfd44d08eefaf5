// Attack classes 22 and 24: somebody comes into a live session who was not let in, or does more there than they may.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid } from '../../protocol/uid.ts';
import type { GuacdPool } from '../../scripts/process/guacd-pool.ts';
import type { Installation } from '../fakes/installation.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';
import { FakePage } from '../fakes/page.ts';
import {
  beginSession,
  installationAt,
  joined,
  outcomeOf,
  prepareJoin,
  shareCommand,
  shared,
  unshareCommand,
  unshared,
  type ShareTerms,
} from '../fakes/shared-session.ts';
import { FakeTerminal, fileHolds } from '../fakes/terminal.ts';
import { startTestGuacdPool } from '../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../fixtures/ssh-target.ts';

describe.runIf(process.getuid?.() === 0)('a live session', () => {
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let made: Installation;
  let guest: Person;
  let other: Person;
  let pages: FakePage[];

  beforeAll(async () => {
    [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
  });
  afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));
  beforeEach(() => {
    pages = [];
    [guest, other] = [newPerson(), newPerson()];
  });
  afterEach(async () => {
    for (const page of pages) page.close();
    await made.stop();
  });

  const newPage = () => {
    const page = new FakePage();
    pages.push(page);
    return page;
  };

  async function running(connection: Record<string, unknown> = {}) {
    made = await installationAt(sshd, connection);
    return await beginSession(made, { guacd, page: newPage(), others: [guest, other] });
  }

  const tryShare = async (sessionUid: Parameters<typeof shareCommand>[1], terms: ShareTerms) =>
    await outcomeOf(made, (await shareCommand(made, sessionUid, terms)).command);

  test('lets nobody in by another’s invitation, by another session’s secret, or by a guess', async () => {
    const { session } = await running();
    const share = await shared(made, session.sessionUid, { guest });
    const others = await shared(made, session.sessionUid, { guest: other });
    const by = async (who: Person, shown: typeof share) =>
      await outcomeOf(made, (await prepareJoin(made, shown, { guest: who, page: newPage() })).command);
    expect(await by(other, share)).toBe('not-found');
    expect(await by(guest, { ...share, secret: others.secret })).toBe('offer-unreadable');
    expect(await by(guest, { ...share, secret: randomBytes(32) })).toBe('offer-unreadable');
    expect(await by(guest, { ...share, shareUid: newUid() })).toBe('not-found');
    expect(await by(newPerson(), share)).toBe('not-in-roster');
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('does not let the server invite itself, nor a guest another guest, nor a guest raise their own rights', async () => {
    const { session } = await running();
    const server = newPerson(true);
    expect(await tryShare(session.sessionUid, { guest: server, by: server })).toBe('not-in-roster');
    expect(await tryShare(session.sessionUid, { guest: server })).toBe('not-in-roster');
    const share = await shared(made, session.sessionUid, { guest });
    const inside = await joined(made, share, { guest, page: newPage() });
    const raised = { guest, by: guest, typing: true };
    expect(await tryShare(session.sessionUid, raised)).toBe('not-found');
    expect(await tryShare(session.sessionUid, { ...raised, share })).toBe('not-found');
    expect(await tryShare(inside.session.sessionUid, { guest: other, by: guest })).toBe('not-allowed');
    expect(await tryShare(session.sessionUid, { guest, typing: true, share })).toBe('replayed');
    expect(await unshared(made, session.sessionUid, null, other)).toBe('not-found');
  });

  test('takes no command twice, none that was edited, and none from before it was taken back', async () => {
    const { session } = await running();
    const { command, ...share } = await shareCommand(made, session.sessionUid, { guest });
    const edited = { ...command, sealedPayload: randomBytes(command.sealedPayload.length) };
    expect(await outcomeOf(made, edited)).toBe('bad-signature');
    expect(await outcomeOf(made, command)).toBe('sealed');
    const join = await prepareJoin(made, share, { guest, page: newPage() });
    expect(await outcomeOf(made, join.command)).toBe('sealed');
    expect(await outcomeOf(made, join.command)).toBe('replayed');
    await unshared(made, session.sessionUid);
    expect(await outcomeOf(made, command)).toBe('replayed');
    const late = await prepareJoin(made, share, { guest, page: newPage() });
    expect(await outcomeOf(made, late.command)).toBe('not-found');
  });

  test('keeps nobody who comes in while they are shut out, whichever the gateway hears of first', async () => {
    const { session } = await running();
    const said = new Set<string>();
    for (let turn = 0; turn < 20; turn++) {
      const share = await shared(made, session.sessionUid, { guest });
      const { command } = await prepareJoin(made, share, { guest, page: newPage() });
      const back = await unshareCommand(made, session.sessionUid, share.shareUid);
      // Whoever is sent first, one is under way when the other comes.
      const ordered = turn % 2 === 0 ? [back, command] : [command, back];
      const outcomes = await Promise.all(ordered.map((one) => outcomeOf(made, one)));
      for (const outcome of outcomes) said.add(outcome);
      await expect.poll(() => made.gateway?.sessions.size, { timeout: 15_000 }).toBe(1);
    }
    expect([...said].filter((one) => one !== 'sealed')).toEqual(['not-found']);
  });

  test('is shared no further than its machine’s record says', async () => {
    const { session } = await running({ sessionSharing: 'watch' });
    expect(await tryShare(session.sessionUid, { guest, typing: true })).toBe('not-allowed');
    expect(await tryShare(session.sessionUid, { guest })).toBe('sealed');
    await made.stop();
    const shut = await running({ sessionSharing: 'nobody knows' });
    expect(shut.reply.sharing).toBe(0);
    expect(await tryShare(shut.session.sessionUid, { guest })).toBe('not-allowed');
  });

  test('has an end to how long, how often and with how many it is shared', async () => {
    const { session } = await running();
    const { sessionUid } = session;
    const tooLong = Date.now() + limits.sessionShares.longestMs + 2 * limits.clockSkewMs;
    expect(await tryShare(sessionUid, { guest, untilMs: tooLong })).toBe('malformed');
    expect(await tryShare(sessionUid, { guest, untilMs: Date.now() - 1_000 })).toBe('expired');
    expect(await tryShare(sessionUid, { guest: made.person })).toBe('malformed');
    const share = { shareUid: newUid(), secret: randomBytes(16) };
    expect(await tryShare(sessionUid, { guest, share })).toBe('malformed');
    const said: string[] = [];
    for (let n = 0; n <= limits.sessionShares.perSession; n++)
      said.push(await tryShare(sessionUid, { guest }));
    expect(said.filter((one) => one === 'sealed')).toHaveLength(limits.sessionShares.perSession);
    expect(said.at(-1)).toBe('busy');
  });

  test('holds so many guests and no more, and one page of each share', async () => {
    const { session, terminal } = await running();
    const inside = [];
    for (let n = 0; n < limits.sessionShares.guests; n++) {
      const share = await shared(made, session.sessionUid, { guest });
      inside.push({ share, ...(await joined(made, share, { guest, page: newPage() })) });
    }
    const tooMany = await shared(made, session.sessionUid, { guest });
    const refused = await prepareJoin(made, tooMany, { guest, page: newPage() });
    expect(await outcomeOf(made, refused.command)).toBe('busy');
    const first = inside[0]?.share;
    if (!first) throw new Error('no guest');
    await joined(made, first, { guest, page: newPage() });
    await expect
      .poll(() => made.gateway?.sessions.size, { timeout: 15_000 })
      .toBe(1 + limits.sessionShares.guests);
    terminal.type('echo still mine > still-mine\n');
    await fileHolds(sshd, 'still-mine', 'still mine\n', 20_000);
  });

  test('gives a guest who sends what no browser sends, or opens the owner’s stream, nothing', async () => {
    const { session, reply } = await running();
    const share = await shared(made, session.sessionUid, { guest });
    const page = newPage();
    await joined(made, share, { guest, page });
    expect(await new FakeTerminal(page.openStream(reply.streamToken)).over).toBe('refused');
    const again = newPage();
    const { reply: own } = await joined(made, share, { guest, page: again });
    const terminal = new FakeTerminal(again.openStream(own.streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.send('key', 'not a key', 1);
    const { body } = await terminal.control('ended');
    expect(body).toMatchObject({ case: 'ended', value: { code: 'guacamole-malformed' } });
    expect(made.gateway?.sessions.find(session.sessionUid)).not.toBe(null);
  });
});
