import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sealToPublicKey } from '../../../protocol/crypto/ecies.ts';
import { openWithPrivateKey } from '../../../protocol/crypto/ecies.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  CommandKind,
  EndSessionRequestSchema,
  TaskListSchema,
} from '../../../protocol/messages/gen/command_pb.js';
import { Leg, LegState, type SessionSignal } from '../../../protocol/messages/gen/session_pb.js';
import { parseCommand, verifyReply } from '../../../protocol/signed/command.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { freePort } from '../../../scripts/process/guacd.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { launchRights } from '../../../protocol/sharing/rights.ts';
import { sealGrant } from '../../../workers/engine/sharing/share-seal.ts';
import { Installation, type Target } from '../../fakes/installation.ts';
import { commandOf, newPerson } from '../../fakes/organisation.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startTestGuacd, startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';

const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let sshd: SshTarget;
let made: Installation;
const pages: FakePage[] = [];

beforeAll(async () => {
  if (asRoot) [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
});
afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));

const byPassword = (changes: Partial<Target> = {}): Target => ({
  host: sshd.host,
  port: sshd.port,
  username: sshd.username,
  password: sshd.password,
  ...(sshd.hostKeys[0] !== undefined && { hostKey: sshd.hostKeys[0] }),
  ...changes,
});

async function begin(target: Target = byPassword(), environment: Record<string, string> = {}) {
  made = await Installation.make(target);
  await made.start({ GUACD_POOL: guacd.path, ...environment });
}

function newPage(): FakePage {
  const page = new FakePage();
  pages.push(page);
  return page;
}

/** The whole way to a terminal. */
async function open(page = newPage(), more: { offer?: string; acceptedHostKey?: string } = {}) {
  const { session, reply } = await made.connect(page, more);
  await page.opened;
  const terminal = new FakeTerminal(page.openStream(reply.streamToken));
  return { page, session, reply, terminal };
}

const ended = ({ body }: SessionSignal) => {
  if (body.case !== 'ended') throw new Error('not an end');
  return [body.value.leg, body.value.code];
};

describe.runIf(asRoot)('a session through the gateway', () => {
  beforeEach(() => begin());
  afterEach(async () => {
    for (const page of pages.splice(0)) page.close();
    await made.stop();
  });

  test('reaches the target’s shell by password, shows it, and takes what is typed', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
    terminal.type('echo hello > by-password\n');
    await fileHolds(sshd, 'by-password', 'hello\n');
  });

  test('reaches it by an ed25519 key', async () => {
    const { host, port, username, hostKeys, privateKey } = sshd;
    const hostKey = hostKeys[0] ?? '';
    await made.putMachine({ host, port, username, privateKey, hostKey });
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.type('echo hello > by-key\n');
    await fileHolds(sshd, 'by-key', 'hello\n');
  });

  test('names its legs, from the command on', async () => {
    const { session, terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    const bySignal = session.signals.map(({ body }) => body);
    const onStream = terminal.controls.map(({ body }) => body);
    const seen = [...bySignal, ...onStream].flatMap((body) => {
      if (body.case !== 'progress') return [];
      return [`${Leg[body.value.leg]} ${LegState[body.value.state]}`];
    });
    expect(new Set(seen)).toEqual(
      new Set([
        ...['GATEWAY DONE', 'GUACD STARTED', 'GUACD DONE'],
        ...['TARGET STARTED', 'TARGET DONE', 'LOGIN STARTED', 'LOGIN DONE'],
      ]),
    );
  });

  test('tells the round trip to the target', async () => {
    const { terminal } = await open();
    const { body } = await terminal.control('targetRttUs');
    expect(body.value).toBeGreaterThan(0);
  });

  test('shares the peer connection with a second one of the same page, and both work', async () => {
    const first = await open();
    const second = await made.connect(first.page, { offer: '' });
    expect(second.reply.answer).toBe('');
    const terminal = new FakeTerminal(first.page.openStream(second.reply.streamToken));
    await Promise.all([first.terminal, terminal].map((t) => t.until(() => t.count('sync') > 0)));
    first.terminal.type('echo 1 > first\n');
    terminal.type('echo 2 > second\n');
    await Promise.all([fileHolds(sshd, 'first', '1\n'), fileHolds(sshd, 'second', '2\n')]);
  });

  test('ends when the shell does, with the reason', async () => {
    const { terminal } = await open();
    // guacd draws pointers before it has a terminal, and drops what is typed until then.
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.type('exit\n');
    const { body } = await terminal.control('ended');
    expect(body.value).toMatchObject({ leg: Leg.TARGET, code: 'closed' });
    expect(await terminal.over).toBe('end');
  });

  test('ends when the page ends its stream; guacd and target are left', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.end();
    await expect.poll(() => made.gateway?.sessions.size).toBe(0);
  });

  test('ends when the page is gone', async () => {
    await made.stop();
    // The page's goodbye can be lost with its connection: then the session waits for it.
    await begin(byPassword(), { SALLYPORT_GATEWAY_RECONNECT_SECONDS: '1' });
    const { page, terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    page.close();
    await expect.poll(() => made.gateway?.sessions.size, { timeout: 60_000 }).toBe(0);
  });

  test('ends by a sealed word of its vault', async () => {
    const { session, terminal } = await open();
    const sealed = await session.keys.sealSignal({
      case: 'ended',
      value: { leg: Leg.GATEWAY, code: 'closed' },
    });
    made.router.send({ case: 'signal', value: { sessionUid: uidBytes(session.sessionUid), sealed } });
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'closed' });
  });

  test('lives on without the router', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    await made.router.close();
    terminal.type('echo alone > without-router\n');
    await fileHolds(sshd, 'without-router', 'alone\n');
  });

  test('is told when the gateway is stopped', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    await made.gateway?.close();
    made.gateway = null;
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'gateway-stopping' });
  });

  test('is listed as a task, and ends by command of its owner', async () => {
    const { session, terminal } = await open();
    const listing = await commandOf(made.person, made.gatewayUid, { kind: CommandKind.LIST_TASKS });
    const reply = await made.router.relay(listing);
    if (reply.outcome.case !== 'sealed') throw new Error('refused');
    const objects = [made.gatewayUid, parseCommand(listing).commandUid];
    const opened = await openWithPrivateKey(made.person.ecdh, 'command-reply', objects, reply.outcome.value);
    const { tasks } = decodeMessage(TaskListSchema, verifyReply(made.deviceKey, listing.command, opened));
    expect(tasks.map(({ taskUid }) => uidOf(taskUid))).toEqual([session.sessionUid]);
    expect((await made.router.relay(await ending(session.sessionUid))).outcome.case).toBe('sealed');
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'ended-by-command' });
  });

  test('ends by command of an administrator, and its page is told whose', async () => {
    const administrator = newPerson(true);
    const { session, terminal } = await open();
    made.router.roster = await made.organisation.roster(2n, [made.person, administrator]);
    expect((await made.router.relay(await ending(session.sessionUid, administrator))).outcome.case).toBe(
      'sealed',
    );
    const value = { code: 'ended-by-command', message: `${administrator.accountUid}@example.test` };
    expect((await terminal.control('ended')).body.value).toMatchObject(value);
  });

  test('does not end by command of another member', async () => {
    const other = newPerson();
    made.router.roster = await made.organisation.roster(2n, [made.person, other]);
    const { session } = await open();
    const refused = await made.router.relay(await ending(session.sessionUid, other));
    expect(refused.outcome.value).toMatchObject({ code: 'not-allowed' });
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('ends when whoever opened it is in the organisation no more, and no sooner', async () => {
    const [other, third] = [newPerson(), newPerson()];
    const { terminal } = await open();
    for (const [version, people] of [
      [2n, [made.person, other]],
      [3n, [made.person, third]],
      [4n, [other]],
    ] as const) {
      expect(made.gateway?.sessions.size).toBe(1);
      made.router.roster = await made.organisation.roster(version, people);
      made.router.send({ case: 'roster', value: made.router.roster });
    }
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'access-ended' });
    expect(made.gateway?.sessions.size).toBe(0);
  });

  async function ending(sessionUid: Uid, person = made.person) {
    const objects = [made.gatewayUid, person.accountUid];
    const request = encodeMessage(EndSessionRequestSchema, { sessionUid: uidBytes(sessionUid) });
    const payload = await sealToPublicKey(made.deviceKey, 'command-payload', objects, request);
    const order = { kind: CommandKind.END_SESSION, rosterVersion: person === made.person ? 1n : 2n };
    return commandOf(person, made.gatewayUid, order, { payload });
  }

  test('notices in seconds that the page fell silent', async () => {
    const { page, terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    page.mute = true; // the connection itself stays
    await expect.poll(() => made.logLines.join(''), { timeout: 15_000 }).toContain('page away');
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('outlives a page that takes nothing for a while, and then has the whole screen again', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.pause();
    terminal.type('for i in $(seq 40000); do echo $RANDOM $RANDOM $RANDOM; done; clear; echo over > flood\n');
    await fileHolds(sshd, 'flood', 'over\n', 60_000);
    const before = terminal.count('sync');
    terminal.read();
    await terminal.until(() => terminal.count('sync') > before);
    terminal.type('echo awake > after-flood\n');
    await fileHolds(sshd, 'after-flood', 'awake\n');
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('leaves no secret in the log', async () => {
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    terminal.type('exit\n');
    await terminal.control('ended');
    const text = made.logLines.join('');
    expect(text).toContain('session open');
    for (const secret of [sshd.password, Buffer.from(sshd.password).toString('base64')])
      expect(text).not.toContain(secret);
  });
});

describe.runIf(asRoot)('a session that cannot be', () => {
  afterEach(async () => {
    for (const page of pages.splice(0)) page.close();
    await made.stop();
  });

  test('with an unknown host key shows it and ends; accepted by a person, it opens', async () => {
    const { hostKey, ...unpinned } = byPassword();
    expect(hostKey).toBeDefined();
    await begin(unpinned);
    const page = newPage();
    const { session } = await made.connect(page);
    const shown = await session.signal('hostKey');
    expect(ended(await session.signal('ended'))).toEqual([Leg.TARGET, 'host-key-unknown']);
    if (shown.body.case !== 'hostKey') throw new Error('no host key');
    expect(shown.body.value.fingerprint).toMatch(/^SHA256:/);
    expect(sshd.hostKeys).toContain(shown.body.value.key);
    const { terminal } = await open(newPage(), { acceptedHostKey: shown.body.value.key });
    await terminal.until(() => terminal.count('sync') > 0);
  });

  test('trusts a host key on first use where the record says so, and says that it did', async () => {
    const { hostKey, ...unpinned } = byPassword({ hostKeyPolicy: 'trust-on-first-use' });
    expect(hostKey).toBeDefined();
    await begin(unpinned);
    const { session, terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    const bySignal = session.signals.map(({ body }) => body);
    const reports = [...bySignal, ...terminal.controls.map(({ body }) => body)];
    expect(reports.find((body) => body.case === 'hostKey')?.value).toMatchObject({ trustedOnFirstUse: true });
  });

  test('with another host key than the pinned one ends, whatever a person accepted', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5dGVzIG9mIGFub3RoZXIga2V5IGZvciBhIHRlc3Q=';
    await begin(byPassword({ hostKey: key }));
    const { session } = await made.connect(newPage(), { acceptedHostKey: sshd.hostKeys[0] ?? '' });
    expect(ended(await session.signal('ended'))).toEqual([Leg.TARGET, 'host-key-mismatch']);
  });

  test('with another host key than the vault itself pins ends, though the copy pins none', async () => {
    const { hostKey, ...unpinned } = byPassword({ hostKeyPolicy: 'trust-on-first-use' });
    expect(hostKey).toBeDefined();
    await begin(unpinned);
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5dGVzIG9mIGFub3RoZXIga2V5IGZvciBhIHRlc3Q=';
    const { session } = await made.connect(newPage(), { pinnedHostKey: key });
    expect(ended(await session.signal('ended'))).toEqual([Leg.TARGET, 'host-key-mismatch']);
  });

  test('with a wrong password names the login', async () => {
    await begin(byPassword({ password: 'not the password' }));
    const { session } = await made.connect(newPage());
    expect(ended(await session.signal('ended'))).toEqual([Leg.LOGIN, 'login-refused']);
    expect(made.logLines.join('')).not.toContain('not the password');
  });

  test('with nobody at the port names the target', async () => {
    await begin(byPassword({ port: nobodysPort }));
    const { session } = await made.connect(newPage());
    expect(ended(await session.signal('ended'))).toEqual([Leg.TARGET, 'target-refused']);
  });

  test('without guacd names guacd', async () => {
    await begin(byPassword(), { GUACD_HOST: '127.0.0.1', GUACD_PORT: String(nobodysPort) });
    const { session } = await made.connect(newPage());
    expect(ended(await session.signal('ended'))).toEqual([Leg.GUACD, 'guacd-unreachable']);
  });

  test('whose guacd dies is told so', async () => {
    const own = await startTestGuacd();
    await begin(byPassword(), { GUACD_HOST: own.host, GUACD_PORT: String(own.port) });
    const { terminal } = await open();
    await terminal.until(() => terminal.count('sync') > 0);
    await own.stop();
    expect((await terminal.control('ended')).body.value).toMatchObject({ leg: Leg.GUACD });
  });

  test.each([
    ['offer without fingerprint', (sdp: string) => sdp.replace(/a=fingerprint.*\r\n/, '')],
    ['offer with two fingerprints', (sdp: string) => sdp.replace(/(a=fingerprint.*\r\n)/, '$1$1')],
    ['offer with SHA-1', (sdp: string) => sdp.replace(/sha-256 [0-9A-F:]+/, `sha-1 ${'AA:'.repeat(19)}AA`)],
    ['offer for audio', (sdp: string) => sdp.replace('m=application', 'm=audio')],
    ['offer that is none', () => 'hello'],
  ])('with an %s is refused', async (_, change) => {
    await begin();
    const page = newPage();
    const { command } = await made.prepare(page, { offer: change(await page.offer()) });
    const { outcome } = await made.router.relay(command);
    expect(outcome).toMatchObject({ case: 'refused', value: { code: 'offer-unreadable' } });
    expect(made.gateway?.sessions.size).toBe(0);
  });

  test('on a stream with a wrong token is refused, and a token is good once', async () => {
    await begin();
    const { page, reply } = await open();
    const wrong = new FakeTerminal(page.openStream(new Uint8Array(16)));
    expect(await wrong.over).toBe('refused');
    const again = new FakeTerminal(page.openStream(reply.streamToken));
    expect(await again.over).toBe('refused');
  });

  test('on another page’s peer connection is refused with the right token', async () => {
    await begin();
    const one = await open();
    const other = newPage();
    const { reply } = await made.connect(other);
    const stolen = new FakeTerminal(one.page.openStream(reply.streamToken));
    expect(await stolen.over).toBe('refused');
  });

  test('of another account cannot ride on a peer connection', async () => {
    await begin();
    const { page } = await open();
    const other = newPerson();
    made.router.roster = await made.organisation.roster(2n, [made.person, other]);
    made.router.send({ case: 'roster', value: made.router.roster });
    const object = { ownerUid: made.person.accountUid, key: randomBytes(32), keyVersion: 1 };
    const grantee = { kind: 'account', uid: other.accountUid, publicKey: other.ecdh.publicKey } as const;
    const machine = { ...object, kind: 'record', uid: made.machineUid } as const;
    const terms = { rights: launchRights, expiresAtMs: 0, issuedAtMs: Date.now() };
    const access = { grants: [await sealGrant(made.person, machine, grantee, terms)] };
    const { command } = await made.prepare(page, { offer: '', person: other, access });
    expect((await made.router.relay(command)).outcome.value).toMatchObject({ code: 'peer-gone' });
  });

  test('of a machine of another gateway, or without its credential, is refused', async () => {
    await begin();
    await made.putMachine(byPassword(), { configurationUid: made.credentialUid });
    const moved = await made.prepare(newPage());
    expect((await made.router.relay(moved.command)).outcome.value).toMatchObject({
      code: 'untrusted-record',
    });
    await made.putMachine(byPassword());
    made.router.records.delete(made.credentialUid);
    const without = await made.prepare(newPage());
    expect((await made.router.relay(without.command)).outcome.value).toMatchObject({
      code: 'record-unavailable',
    });
  });
});

describe.runIf(asRoot)('on one UDP port', () => {
  afterEach(async () => {
    for (const page of pages.splice(0)) page.close();
    await made.stop();
  });

  test('several pages have their sessions', async () => {
    const port = await freePort();
    await begin(byPassword(), { SALLYPORT_GATEWAY_PORT: String(port) });
    const opened = await Promise.all([open(), open(), open()]);
    for (const { reply } of opened)
      expect(reply.answer).toMatch(new RegExp(`127\\.0\\.0\\.1 ${port} typ host`));
    await Promise.all(opened.map(({ terminal }) => terminal.until(() => terminal.count('sync') > 0)));
  });
});
