// An organisation recovers the account of a member who enrolled, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { oneTimeCode } from '../../../workers/tools/one-time-code.ts';
import type { WordGaps } from '../../../workers/api/recovery.ts';
import { addPasskey, Authenticator } from '../../fixtures/authenticator.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { found, join, organisationPassword, untilMembers } from '../../fixtures/organisation.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let origin: string;
beforeAll(async () => {
  server = await startTestServer();
  origin = `http://localhost:${server.port}`; // passkeys are of a name, not of an address
});
afterAll(() => server.close());

const newPassword = 'a password made after the old one was lost';

/** What the other person reads for the words that are left out. */
const heard = (gaps: WordGaps, words: readonly string[] | null) =>
  gaps.flatMap((word, at) => (word === null ? [words?.[at] ?? ''] : []));

/** An administrator whose organisation has a recovery, and a member who is not enrolled. */
async function house(name: string) {
  const admin = await found(origin, `${name}-admin@example.test`);
  const member = await join(origin, admin, `${name}-member@example.test`);
  await untilMembers(admin.engine, 2);
  await admin.engine.setUpRecovery();
  return { admin, member };
}

async function enrol(admin: TestEngine, member: TestEngine): Promise<void> {
  const gaps = await member.askRecoveryWords();
  const { words } = await admin.readRecovery();
  await member.confirmIdentity({ password: organisationPassword });
  await member.enrolRecovery({ words: heard(gaps, words) });
}

/** The administrator's list once it has that many requests. */
async function requestsOf(engine: TestEngine, count: number) {
  for (;;) {
    const version = engine.states.at(-1)?.accountVersion ?? 0;
    const requests = await engine.listRecoveryRequests();
    if (requests.length === count) return requests;
    await engine.until(({ accountVersion }) => accountVersion > version);
  }
}

async function approve(admin: TestEngine, words: readonly string[], resetSecondFactors = false) {
  const [request] = await requestsOf(admin, 1);
  if (!request) throw new Error('no request');
  await admin.approveRecovery({
    ...{ requestUid: request.uid, words: heard(request.gaps, words), resetSecondFactors },
  });
}

describe('recovery', () => {
  test('who enrolled gets the vault back, with a new password and phrase; other sessions end', async () => {
    const { admin, member } = await house('whole');
    expect(await member.engine.readRecovery()).toEqual({
      ...{ administrator: false, available: true, words: null, enrolment: 'none' },
    });
    await enrol(admin.engine, member.engine);
    expect((await member.engine.readRecovery()).enrolment).toBe('enrolled');
    const uid = await member.engine.saveRecord({ content: { type: 'login', title: 'kept', fields: [] } });

    const device = await startEngine(origin);
    const { words } = await device.requestRecovery({ email: member.email });
    expect(words).toHaveLength(8);
    const waiting = device.awaitRecovery();
    await approve(admin.engine, words);
    const gaps = await waiting;
    expect(gaps.filter((word) => word === null)).toHaveLength(3);
    const organisation = (await admin.engine.readRecovery()).words;
    const phrase = await device.draftRecoveryPhrase();
    const wrong = { words: ['abandon', 'abandon', 'abandon'], newPassword };
    expect(await codeOf(device.finishRecovery(wrong))).toBe('untrusted');
    expect(await device.finishRecovery({ words: heard(gaps, organisation), newPassword })).toEqual({
      kind: 'done',
    });
    expect((await device.readRecord(uid)).content.title).toBe('kept');
    expect(await admin.engine.listRecoveryRequests()).toEqual([]);
    await member.engine.until(({ phase }) => phase !== 'unlocked');
    const old = await startEngine(origin);
    expect(await codeOf(old.signIn({ email: member.email, password: organisationPassword }))).toBe(
      'login-refused',
    );
    await old.recover({ email: member.email, phrase, newPassword: organisationPassword });
    expect((await old.readRecord(uid)).content.title).toBe('kept');
    for (const engine of [admin.engine, member.engine, device, old]) await engine.close();
  });

  test('second factors stay, unless the administrator takes them away', async () => {
    const { admin, member } = await house('factors');
    await enrol(admin.engine, member.engine);
    const { secret } = await member.engine.startAuthenticatorApp();
    const code = (await oneTimeCode(secret, Date.now())).code;
    await member.engine.finishAuthenticatorApp({ code, name: 'phone' });
    const recover = async (reset: boolean) => {
      const device = await startEngine(origin);
      const { words } = await device.requestRecovery({ email: member.email });
      const waiting = device.awaitRecovery();
      await approve(admin.engine, words, reset);
      const gaps = await waiting;
      await device.draftRecoveryPhrase();
      const organisation = (await admin.engine.readRecovery()).words;
      const step = await device.finishRecovery({ words: heard(gaps, organisation), newPassword });
      await device.close();
      return step.kind;
    };
    expect(await recover(false)).toBe('second-factor');
    expect(await recover(true)).toBe('done');
    for (const { engine } of [admin, member]) await engine.close();
  });

  test('passkeys stay with the second factors, and go with them', async () => {
    const { admin, member } = await house('passkeys');
    await enrol(admin.engine, member.engine);
    await addPasskey(member.engine, new Authenticator(origin), organisationPassword);
    const recover = async (reset: boolean) => {
      const device = await startEngine(origin);
      const { words } = await device.requestRecovery({ email: member.email });
      const waiting = device.awaitRecovery();
      await approve(admin.engine, words, reset);
      const gaps = await waiting;
      await device.draftRecoveryPhrase();
      const organisation = (await admin.engine.readRecovery()).words;
      await device.finishRecovery({ words: heard(gaps, organisation), newPassword });
      const left = (await device.listPasskeys()).length;
      await device.close();
      return left;
    };
    expect(await recover(false)).toBe(1);
    expect(await recover(true)).toBe(0);
    for (const { engine } of [admin, member]) await engine.close();
  });

  test('a device that was revoked before asks as a new one, and gets in', async () => {
    const { admin, member } = await house('revoked');
    await enrol(admin.engine, member.engine);
    const storage = new MemoryStorage();
    const device = await startEngine(origin, { storage, deviceName: 'Second' });
    await device.signIn({ email: member.email, password: organisationPassword });
    const revoke = async () => {
      const second = (await member.engine.listDevices()).devices.find(({ name }) => name === 'Second');
      await member.engine.revokeDevice(second?.uid ?? ('' as Uid));
    };
    await revoke();
    const before = (await storage.device()).uid;
    const { words } = await device.requestRecovery({ email: member.email });
    expect((await storage.device()).uid).not.toBe(before);
    const waiting = device.awaitRecovery();
    await approve(admin.engine, words);
    const gaps = await waiting;
    await device.draftRecoveryPhrase();
    const organisation = (await admin.engine.readRecovery()).words;
    const given = { words: heard(gaps, organisation), newPassword };
    expect(await device.finishRecovery(given)).toEqual({ kind: 'done' });
    for (const engine of [admin.engine, member.engine, device]) await engine.close();
  });

  test('who is not enrolled, withdrew, or does not exist gets the same answer, and no administrator sees it', async () => {
    const { admin, member } = await house('nobody');
    const device = await startEngine(origin);
    const ask = async (email: string) => {
      const { expiresAt, words } = await device.requestRecovery({ email });
      return { words: words.length, lasts: Math.round((expiresAt - Date.now()) / 3_600_000) };
    };
    const unknown = await ask('never@example.test');
    expect(await ask(member.email)).toEqual(unknown);
    await enrol(admin.engine, member.engine);
    await member.engine.withdrawRecovery();
    expect(await ask(member.email)).toEqual(unknown);
    expect(await admin.engine.listRecoveryRequests()).toEqual([]);
    for (const engine of [admin.engine, member.engine, device]) await engine.close();
  });

  test('another recovery key ends the enrolment, which never comes back by itself', async () => {
    const { admin, member } = await house('changed');
    await enrol(admin.engine, member.engine);
    const before = member.engine.states.at(-1)?.organisationVersion ?? 0;
    await admin.engine.setUpRecovery();
    await member.engine.until(({ organisationVersion }) => organisationVersion > before);
    expect((await member.engine.readRecovery()).enrolment).toBe('ended');
    const device = await startEngine(origin);
    await device.requestRecovery({ email: member.email });
    expect(await admin.engine.listRecoveryRequests()).toEqual([]);
    await admin.engine.switchOffRecovery();
    expect(await admin.engine.readRecovery()).toMatchObject({ available: false, words: null });
    expect(await codeOf(member.engine.askRecoveryWords())).toBe('not-found');
    expect((await member.engine.readRecovery()).enrolment).toBe('ended');
    await member.engine.withdrawRecovery();
    expect((await member.engine.readRecovery()).enrolment).toBe('none');
    for (const engine of [admin.engine, member.engine, device]) await engine.close();
  });

  test('a later administrator can recover too; a refused request is not told', async () => {
    const { admin, member } = await house('second');
    const other = await join(origin, admin, 'second-other@example.test');
    await untilMembers(other.engine, 3);
    await enrol(admin.engine, member.engine);
    const { ownUid } = await other.engine.readOrganisation();
    await admin.engine.setAdministrator({ accountUid: ownUid, administrator: true });
    await other.engine.until(({ membership }) => membership === 'administrator');
    const device = await startEngine(origin);
    await device.requestRecovery({ email: member.email });
    const [refused] = await requestsOf(other.engine, 1);
    if (!refused) throw new Error('no request');
    await other.engine.refuseRecovery(refused.uid);
    expect(await admin.engine.listRecoveryRequests()).toEqual([]);
    const { words } = await device.requestRecovery({ email: member.email });
    const waiting = device.awaitRecovery();
    await approve(other.engine, words);
    expect(await waiting).toHaveLength(8);
    for (const engine of [admin.engine, member.engine, other.engine, device]) await engine.close();
  });

  test('requests for one address are few', async () => {
    const device = await startEngine(origin);
    const ask = () => codeOf(device.requestRecovery({ email: 'flooded@example.test' }));
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) answers.push(await ask());
    expect(answers).toEqual([...Array<string>(5).fill('done'), 'too-many-requests']);
    await device.close();
  });
});
