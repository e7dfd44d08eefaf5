// Attack classes 9, 22 and 24: somebody looks on at a live session whom the gateway's owner did not let, or unseen where
// they are to be seen.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SessionPolicyFile } from '../../gateway/oversight/session-policy-file.ts';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { SignedSessionPolicySchema } from '../../protocol/messages/gen/session-policy_pb.js';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { parseCommand } from '../../protocol/signed/command.ts';
import { newUid } from '../../protocol/uid.ts';
import type { GuacdPool } from '../../scripts/process/guacd-pool.ts';
import type { Installation } from '../fakes/installation.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';
import {
  endCommand,
  named,
  policyCommand,
  policyRead,
  policySet,
  signedPolicy,
  watchCommand,
  watched,
} from '../fakes/oversight.ts';
import { FakePage } from '../fakes/page.ts';
import {
  beginSession,
  installationAt,
  joined,
  outcomeOf,
  prepareJoin,
  putRoster,
} from '../fakes/shared-session.ts';
import { FakeTerminal } from '../fakes/terminal.ts';
import { startTestGuacdPool } from '../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../fixtures/ssh-target.ts';

describe.runIf(process.getuid?.() === 0)('who looks on at a live session', () => {
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let made: Installation;
  let admin: Person;
  let member: Person;
  let pages: FakePage[];

  beforeAll(async () => {
    [guacd, sshd] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
  });
  afterAll(() => Promise.all([guacd?.stop(), sshd?.stop()]));
  beforeEach(() => {
    pages = [];
    [admin, member] = [newPerson(true), newPerson()];
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
    return await beginSession(made, { guacd, page: newPage(), others: [admin, member] });
  }

  const tryPolicy = async (signed: Bytes, by?: Person) =>
    await outcomeOf(made, await policyCommand(made, signed, by));
  const tryWatch = async (sessionUid: Parameters<typeof watchCommand>[1], by: Person) =>
    await outcomeOf(made, (await watchCommand(made, sessionUid, by)).command);
  const all = () => ({ version: 1, overseers: [named(admin), named(member)], silent: true });

  test('nobody does where nothing was said: no administrator, no owner, nobody else', async () => {
    const { session } = await running();
    for (const by of [admin, member]) expect(await tryWatch(session.sessionUid, by)).toBe('not-allowed');
    expect(await tryWatch(session.sessionUid, made.person)).toBe('not-allowed');
    expect(await tryWatch(session.sessionUid, newPerson(true))).toBe('not-in-roster');
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('the server makes up no policy, nor does another administrator or the organisation’s key', async () => {
    const { session } = await running();
    const server = newPerson(true);
    for (const signer of [server.signer, admin.signer, made.organisation.signer]) {
      const forged = await signedPolicy(made, all(), signer);
      expect(await tryPolicy(forged)).toBe('bad-signature');
      expect(await tryPolicy(forged, admin)).toBe('not-allowed');
      expect(await tryPolicy(forged, server)).toBe('not-in-roster');
    }
    const owned = await signedPolicy(made, { ...all(), ownerUid: admin.accountUid }, admin.signer);
    expect(await tryPolicy(owned, admin)).toBe('not-allowed');
    expect(await policyRead(made, admin)).toMatchObject({ version: 0n, counts: false });
    expect(await tryWatch(session.sessionUid, admin)).toBe('not-allowed');
  });

  test('no policy turns silent on its way, nor names another watcher', async () => {
    await running();
    const seen = await signedPolicy(made, { ...all(), silent: false });
    const { policy, signature } = decodeMessage(SignedSessionPolicySchema, seen);
    const turned = copy(policy);
    for (let at = 0; at < turned.length; at++) {
      turned.set(policy);
      turned[at] = (turned[at] ?? 0) ^ 1;
      const signed = encodeMessage(SignedSessionPolicySchema, { policy: turned, signature });
      expect(['bad-signature', 'malformed']).toContain(await tryPolicy(signed));
    }
    // Sealed anew by who relays it: the command names the hash of what it was signed with.
    const command = await policyCommand(made, seen);
    const silent = await signedPolicy(made, all());
    const objects = [made.gatewayUid, made.person.accountUid];
    const sealedPayload = await sealToPublicKey(made.deviceKey, 'command-payload', objects, silent);
    expect(await outcomeOf(made, { ...command, sealedPayload })).toBe('bad-signature');
    expect(await policyRead(made, admin)).toMatchObject({ version: 0n });
  });

  test('no former policy comes back: not by the command, not by who was named in it, not after a restart', async () => {
    const { session } = await running();
    const former = await signedPolicy(made, { version: 1, overseers: [named(admin)] });
    const command = await policyCommand(made, former);
    expect(await outcomeOf(made, command)).toBe('sealed');
    expect(await policySet(made, { version: 2 })).toBe('sealed');
    expect(await outcomeOf(made, command)).toBe('replayed');
    expect(await tryPolicy(former)).toBe('policy-outdated');
    expect(await tryPolicy(former, admin)).toBe('not-allowed');
    expect(await tryWatch(session.sessionUid, admin)).toBe('not-allowed');
    await made.gateway?.close();
    await made.start({ GUACD_POOL: guacd.path });
    expect(await outcomeOf(made, command)).toBe('expired');
    expect(await tryPolicy(former)).toBe('policy-outdated');
    expect(await policyRead(made, admin)).toMatchObject({ version: 2n, counts: true });
  });

  test('a policy is of one gateway, of its one key, and the next one, no later', async () => {
    await running();
    expect(await tryPolicy(await signedPolicy(made, { ...all(), gatewayUid: newUid() }))).toBe(
      'wrong-audience',
    );
    const gatewayKey = newPerson().signer.publicKey;
    expect(await tryPolicy(await signedPolicy(made, { ...all(), gatewayKey }))).toBe('wrong-audience');
    expect(await tryPolicy(await signedPolicy(made, { ...all(), ownerUid: admin.accountUid }))).toBe(
      'wrong-audience',
    );
    for (const version of [2, Number.MAX_SAFE_INTEGER])
      expect(await tryPolicy(await signedPolicy(made, { ...all(), version }))).toBe('policy-outdated');
  });

  test('whom the policy names, but not by the key that they have now, looks on at nothing', async () => {
    const { session } = await running();
    expect(await policySet(made, all())).toBe('sealed');
    const swapped = { ...newPerson(true), accountUid: admin.accountUid };
    await putRoster(made, 3n, [made.person, swapped, member]);
    expect(await tryWatch(session.sessionUid, swapped)).toBe('not-allowed');
    expect(await tryWatch(session.sessionUid, admin)).toBe('bad-signature');
    expect(await tryWatch(session.sessionUid, member)).toBe('not-allowed');
    const promoted = { ...member, administrator: true };
    await putRoster(made, 4n, [made.person, swapped, promoted]);
    expect(await tryWatch(session.sessionUid, promoted)).toBe('sealed');
  });

  test('with new keys of the owner’s nothing counts that the former ones signed, and who looks on is out', async () => {
    const { session } = await running();
    await policySet(made, all());
    const page = newPage();
    const share = await watched(made, session.sessionUid, admin);
    const { reply } = await joined(made, share, { guest: admin, page });
    const terminal = new FakeTerminal(page.openStream(reply.streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    const renewed = { ...newPerson(true), accountUid: made.person.accountUid };
    await putRoster(made, 3n, [renewed, admin, member]);
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'watch-over' });
    expect(await tryWatch(session.sessionUid, admin)).toBe('not-allowed');
    expect(await policyRead(made, admin)).toMatchObject({ version: 1n, counts: false });
    const thief = await signedPolicy(made, { ...all(), version: 2 });
    expect(await tryPolicy(thief, renewed)).toBe('bad-signature');
  });

  test('nobody comes in by another’s watch, by a guess, twice, or with an edited command', async () => {
    const { session } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const { command, ...share } = await watchCommand(made, session.sessionUid, admin);
    expect(await outcomeOf(made, { ...command, sealedPayload: randomBytes(200) })).toBe('bad-signature');
    expect(await outcomeOf(made, command)).toBe('sealed');
    expect(await outcomeOf(made, command)).toBe('replayed');
    const by = async (who: Person, shown: typeof share) =>
      await outcomeOf(made, (await prepareJoin(made, shown, { guest: who, page: newPage() })).command);
    expect(await by(member, share)).toBe('not-found');
    expect(await by(admin, { ...share, secret: randomBytes(32) })).toBe('offer-unreadable');
    expect(await by(admin, { ...share, shareUid: newUid() })).toBe('not-found');
    const again = await watchCommand(made, session.sessionUid, admin, share);
    expect(await outcomeOf(made, again.command)).toBe('replayed');
    await policySet(made, { version: 2 });
    expect(await by(admin, share)).toBe('not-found');
    expect(made.gateway?.sessions.size).toBe(1);
  });

  test('who relays a watcher’s join reads neither offer nor answer, and has no key that opens them', async () => {
    const { session } = await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const { command, ...share } = await watchCommand(made, session.sessionUid, admin);
    const reply = await made.router.relay(command);
    const page = newPage();
    const join = await prepareJoin(made, share, { guest: admin, page });
    const answer = await made.router.relay(join.command);
    const opened = await made.openReply(join, answer);
    expect(opened.answer).toContain('fingerprint');
    const seen = [command.command, command.sealedPayload, join.command.command, join.command.sealedPayload];
    for (const { outcome } of [reply, answer])
      seen.push(outcome.case === 'sealed' ? outcome.value : randomBytes(1));
    const text = seen.map((bytes) => Buffer.from(bytes).toString('latin1')).join();
    for (const secret of ['fingerprint', 'candidate', 'v=0\r\n']) expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(share.secret).toString('latin1'));
    if (answer.outcome.case !== 'sealed') throw new Error('refused');
    const scope = { sessionUid: join.sessionUid, recordUid: share.shareUid, gatewayUid: made.gatewayUid };
    // A server that has everything of the machine's record but what was sealed to the gateway for this one watch.
    const { sessionNonce } = parseCommand(join.command);
    const guess = await SessionKeys.derive('vault', scope, copy(made.trafficSeed), sessionNonce);
    await expect(guess.openMessage(answer.outcome.value)).rejects.toMatchObject({ name: 'open-failed' });
  });

  test('a record that lets nobody look on lets no administrator, whatever the gateway’s policy says', async () => {
    const { session } = await running({ sessionSharing: 'off' });
    await policySet(made, { version: 1, overseers: [named(admin)] });
    expect(await tryWatch(session.sessionUid, admin)).toBe('not-allowed');
  });

  test('no member ends another’s session, and no reason carries more than a line', async () => {
    const { session } = await running();
    const end = async (by: Person, reason: string) =>
      await outcomeOf(made, await endCommand(made, session.sessionUid, by, reason));
    expect(await end(member, '')).toBe('not-allowed');
    expect(await end(admin, 'two\nlines')).toBe('malformed');
    expect(await end(admin, 'x'.repeat(257))).toBe('malformed');
    expect(await end(admin, '\u202Eesrever')).toBe('malformed');
    expect(made.gateway?.sessions.size).toBe(1);
    expect(await end(admin, 'maintenance')).toBe('sealed');
  });

  test('a gateway does not begin with a damaged policy, from which a former one would look new', async () => {
    await running();
    await policySet(made, { version: 1, overseers: [named(admin)] });
    const path = join(made.folder, 'gateway.sessions.json');
    await writeFile(path, '{"sessionPolicy":"AAAA"}\n', { mode: 0o600 });
    await expect(SessionPolicyFile.open(path)).rejects.toThrow('is damaged');
  });
});
