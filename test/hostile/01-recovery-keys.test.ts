// Attack class 1: the keys of recovery. The server puts other keys in the place of the organisation's, a person's or a
// request's, replays what administrators signed, and enrols people who never asked for it.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copy } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { SignedRosterSchema } from '../../protocol/messages/gen/account_pb.js';
import { OrganisationService } from '../../protocol/messages/gen/organisation_pb.js';
import {
  RecoveryEnrolmentSchema,
  RecoveryService,
  WaitingRecoverySchema,
  type WaitingRecovery,
} from '../../protocol/messages/gen/recovery_pb.js';
import { recoveryRequestWords, sealEnrolment } from '../../protocol/organisation/recovery.ts';
import { signDeviceProof } from '../../protocol/signed/device-proof.ts';
import { signRoster, verifyRoster } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf } from '../../protocol/uid.ts';
import type { WordGaps } from '../../workers/api/recovery.ts';
import { linkOf } from '../fakes/hostile-organisation.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { codeOf } from '../fixtures/outcome.ts';
import { startTestServer } from '../fixtures/server.ts';

const password = 'correct horse battery staple';
const newPassword = 'another horse battery staple';
const { method } = RecoveryService;
const victim = 'member@example.test';

const heard = (gaps: WordGaps, words: readonly string[] | null) =>
  gaps.flatMap((word, at) => (word === null ? [words?.[at] ?? ''] : []));

describe('recovery under a hostile server', () => {
  let server: HostileServer;
  let founder: TestEngine;
  let member: TestEngine;
  const engines: TestEngine[] = [];

  async function newEngine(at = server): Promise<TestEngine> {
    const engine = await startEngine(at.origin, { transport: at.transport });
    engines.push(engine);
    return engine;
  }

  async function newAccount(email: string, invitation?: string, at = server): Promise<TestEngine> {
    const engine = await newEngine(at);
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password, ...(invitation && { invitation }) });
    return engine;
  }

  async function newMember(email: string): Promise<TestEngine> {
    const { fragment } = await founder.createInvitation({ email, days: 7 });
    const engine = await newAccount(email, fragment);
    await founder.syncNow();
    await engine.syncNow();
    return engine;
  }

  const organisationWords = async () => (await founder.readRecovery()).words;

  async function enrol(engine: TestEngine): Promise<void> {
    await engine.confirmIdentity({ password });
    const gaps = await engine.askRecoveryWords();
    await engine.enrolRecovery({ words: heard(gaps, await organisationWords()) });
  }

  /** A device of the victim that asks, and the words that the person sees. */
  async function ask() {
    const device = await newEngine();
    const { words } = await device.requestRecovery({ email: victim });
    return { device, words };
  }

  async function approve(words: readonly string[], resetSecondFactors = false): Promise<void> {
    const requests = await founder.listRecoveryRequests();
    const request = requests.at(-1);
    if (!request) throw new Error('not shown');
    const given = heard(request.gaps, words);
    await founder.approveRecovery({ requestUid: request.uid, words: given, resetSecondFactors });
  }

  const last = () => server.recovery.requests.at(-1) as WaitingRecovery;

  beforeEach(async () => {
    server = await HostileServer.start();
    founder = await newAccount('founder@example.test');
    await founder.syncNow();
    member = await newMember(victim);
    await founder.setUpRecovery();
    await member.syncNow();
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });

  test('without a lie, all of it works', async () => {
    await enrol(member);
    const { device, words } = await ask();
    await approve(words);
    expect(await device.awaitRecovery()).toHaveLength(8);
  });

  test('a recovery key of the server’s is not enrolled with', async () => {
    const newest = server.organisation.rosters.at(-1);
    const stored = server.accounts.get('founder@example.test');
    if (!newest || !stored) throw new Error('no roster');
    const { organisationUid, signingPublicKey } = stored.organisation;
    const roster = verifyRoster(newest, {
      ...{ organisationUid: uidOf(organisationUid), organisationKey: signingPublicKey, minimumVersion: 1n },
    });
    const own = signerOf(generateEcdhKeyPair().privateKey);
    const next = { ...roster, version: roster.version + 1n, parentHash: sha256(newest.roster) };
    const recoveryPublicKey = generateEcdhKeyPair().publicKey;
    const forged = create(SignedRosterSchema, await signRoster(own, { ...next, recoveryPublicKey }));
    server.lie(OrganisationService.method.getOrganisation, (answer) => {
      answer.links = [linkOf(forged)];
      answer.roster = forged;
    });
    await member.confirmIdentity({ password });
    const gaps = await member.askRecoveryWords();
    expect((await member.readOrganisation()).refused).toBe(true);
    const words = await organisationWords();
    gaps.forEach((word, at) => expect(word ?? words?.[at]).toBe(words?.[at]));
    await member.enrolRecovery({ words: heard(gaps, words) });
    expect(server.recovery.enrolments.get(victim)?.recoveryKey).toEqual(roster.recoveryPublicKey);
  });

  test('a recovery key that no administrator reads out is not enrolled with, nor one that came in between', async () => {
    const before = await organisationWords();
    await member.confirmIdentity({ password });
    const old = await member.askRecoveryWords();
    await founder.setUpRecovery(); // signed by the organisation: as by a former administrator at the server's side
    await member.syncNow();
    expect(await codeOf(member.enrolRecovery({ words: heard(old, before) }))).toBe('untrusted');
    const gaps = await member.askRecoveryWords();
    expect(await codeOf(member.enrolRecovery({ words: heard(gaps, before) }))).toBe('untrusted');
    expect(server.recovery.enrolments.size).toBe(0);
  });

  test('a changed key ends an enrolment; nothing is sealed to the new one', async () => {
    await enrol(member);
    const sealed = server.recovery.enrolments.get(victim);
    await founder.setUpRecovery();
    await member.syncNow();
    expect((await member.readRecovery()).enrolment).toBe('ended');
    await member.lock();
    await member.unlock({ password });
    expect(server.recovery.enrolments.get(victim)).toBe(sealed);
    const { words } = await ask();
    await expect(approve(words)).rejects.toThrow('not shown');
  });

  test.each([['under a recovery key of its own'], ['under the organisation’s']])(
    'the server enrols nobody by itself, %s',
    async (under) => {
      const { device, words } = await ask();
      const { accountUid } = last();
      const organisation = server.accounts.get('founder@example.test')?.organisation;
      const { signingPublicKey = new Uint8Array(0), organisationUid = new Uint8Array(0) } =
        organisation ?? {};
      const newest = server.organisation.rosters.at(-1);
      if (!newest) throw new Error('no roster');
      const expected = { organisationUid: uidOf(organisationUid), organisationKey: signingPublicKey };
      const { recoveryPublicKey } = verifyRoster(newest, { ...expected, minimumVersion: 1n });
      const recoveryKey =
        under === 'under the organisation’s' ? recoveryPublicKey : generateEcdhKeyPair().publicKey;
      const own = { accountUid: uidOf(accountUid), signer: signerOf(generateEcdhKeyPair().privateKey) };
      const sealed = await sealEnrolment(
        { ...expected, recoveryKey: copy(recoveryKey) },
        own,
        randomBytes(32),
      );
      const enrolment = create(RecoveryEnrolmentSchema, sealed);
      server.recovery.enrolments.set(victim, enrolment);
      last().enrolment = enrolment;
      expect((await member.readRecovery()).enrolment).toBe('none');
      await expect(approve(words)).rejects.toThrow('not shown');
      expect(server.recovery.releases.size).toBe(0);
      await device.cancelRecovery();
    },
  );

  test('the enrolment of another account is not opened for a request', async () => {
    const other = await newMember('other@example.test');
    await enrol(member);
    await enrol(other);
    const { words } = await ask();
    const [own, foreign] = [victim, 'other@example.test'].map((email) =>
      server.recovery.enrolments.get(email),
    );
    if (!own || !foreign) throw new Error('not enrolled');
    last().enrolment = foreign;
    await expect(approve(words)).rejects.toThrow('not shown');
    // the victim's signature around the other one's ciphertext
    const { sealedDataKey } = foreign;
    last().enrolment = create(RecoveryEnrolmentSchema, { ...own, sealedDataKey });
    expect(await codeOf(approve(words))).toBe('bad-signature');
    expect(server.recovery.releases.size).toBe(0);
  });

  test('another temporary key than the person’s gets nothing', async () => {
    await enrol(member);
    const { words } = await ask();
    last().temporaryKey = generateEcdhKeyPair().publicKey;
    expect(await codeOf(approve(words))).toBe('untrusted');
    expect(server.recovery.releases.size).toBe(0);
  });

  test('a key that is put in place after the words were compared gets nothing either', async () => {
    await enrol(member);
    const { device, words } = await ask();
    const [shown] = await founder.listRecoveryRequests();
    if (!shown) throw new Error('not shown');
    const thief = generateEcdhKeyPair();
    last().temporaryKey = thief.publicKey;
    const given = heard(shown.gaps, words);
    await founder.approveRecovery({ requestUid: shown.uid, words: given, resetSecondFactors: false });
    expect(await device.awaitRecovery()).toHaveLength(8); // sealed to the key that was shown
  });

  test('a request that the server made up is approved by nobody’s words', async () => {
    await enrol(member);
    const { words } = await ask();
    const true_ = last();
    server.recovery.requests.length = 0;
    const forged = create(WaitingRecoverySchema, {
      ...true_,
      ...{ requestUid: uidBytes(newUid()), temporaryKey: generateEcdhKeyPair().publicKey },
    });
    server.recovery.requests.push(forged);
    expect(await codeOf(approve(words))).toBe('untrusted');
    // under the name of another member, with the victim's enrolment, or of nobody
    for (const email of ['founder@example.test', 'nobody@example.test']) {
      forged.email = email;
      await expect(approve(words)).rejects.toThrow('not shown');
    }
    expect(server.recovery.releases.size).toBe(0);
  });

  test('an approval is of no use to another request, nor when it is changed', async () => {
    await enrol(member);
    const first = await ask();
    await approve(first.words);
    const release = server.recovery.releaseFor(last().requestUid);
    if (!release) throw new Error('not approved');
    const later = await ask();
    server.lie(method.awaitRelease, (answer) => void (answer.release = release));
    server.recovery.approve({ ...release, requestUid: last().requestUid, release } as never);
    expect(await codeOf(later.device.awaitRecovery())).toBe('open-failed');
    server.honest();
    server.lie(method.awaitRelease, (answer) => {
      if (answer.release) answer.release.resetSecondFactors = true;
    });
    expect(await codeOf(first.device.awaitRecovery())).toBe('bad-signature');
    const memberUid = server.accounts.get(victim)?.account.accountUid ?? new Uint8Array(0);
    server.lie(method.awaitRelease, (answer) => {
      if (answer.release) answer.release.approverUid = memberUid;
    });
    expect(await codeOf(first.device.awaitRecovery())).toBe('untrusted');
  });

  test('a whole account of the server’s own does not pass for the person’s', async () => {
    const { device } = await ask();
    const evil = await HostileServer.start();
    const twin = await newAccount(victim, undefined, evil);
    await twin.confirmIdentity({ password });
    await twin.setUpRecovery();
    const gaps = await twin.askRecoveryWords();
    await twin.enrolRecovery({ words: heard(gaps, (await twin.readRecovery()).words) });
    const { requestUid, email, temporaryKey } = last();
    evil.recovery.request({ requestUid, email, temporaryKey } as never, twinUid(evil));
    const [shown] = await twin.listRecoveryRequests();
    if (!shown) throw new Error('not shown');
    const words = recoveryRequestWords({ requestUid: uidOf(requestUid), email, temporaryKey });
    const given = { requestUid: shown.uid, words: heard(shown.gaps, words), resetSecondFactors: false };
    await twin.approveRecovery(given);
    const release = evil.recovery.releaseFor(requestUid);
    const stored = evil.accounts.get(victim);
    if (!release || !stored) throw new Error('not approved');
    server.recovery.approve({ requestUid, release } as never);
    server.lie(method.awaitRelease, (answer) => {
      answer.account = stored.account;
      const roster = evil.organisation.rosters.at(-1);
      answer.organisation = { ...stored.organisation, ...(roster && { roster }) };
    });
    const asked = await device.awaitRecovery();
    await device.draftRecoveryPhrase();
    const answers = heard(asked, await organisationWords());
    expect(await codeOf(device.finishRecovery({ words: answers, newPassword }))).toBe('untrusted');
    expect(server.recovery.renewals).toBe(0);
  });
});

const twinUid = (server: HostileServer) =>
  server.accounts.get(victim)?.account.accountUid ?? new Uint8Array(0);

test('only the device that asked comes for a release, and nothing is renewed before it', async () => {
  const server = await startTestServer();
  const client = await ApiClient.connect(server.url);
  const device = signerOf(generateEcdhKeyPair().privateKey);
  const thief = signerOf(generateEcdhKeyPair().privateKey);
  const [requestUid, deviceUid] = [uidBytes(newUid()), uidBytes(newUid())];
  const proven = async (name: string, signer: Signer) => ({
    requestUid,
    deviceProof: await signDeviceProof(signer, {
      ...{ method: `RecoveryService/${name}`, loginUid: requestUid, deviceUid },
    }),
  });
  const request = {
    ...{ email: 'ada@example.test', temporaryKey: generateEcdhKeyPair().publicKey },
    device: { deviceUid, publicKey: device.publicKey, name: 'new' },
  };
  const ask = async (signer: Signer) =>
    client.call(method.requestRecovery, { ...request, ...(await proven('RequestRecovery', signer)) });
  await expect(ask(thief)).rejects.toMatchObject({ code: 'bad-signature' });
  await ask(device);
  for (const call of [method.awaitRelease, method.startRenewal, method.finishRenewal, method.cancelRequest])
    await expect(client.call(call, await proven(call.name, thief))).rejects.toMatchObject({
      code: 'bad-signature',
    });
  for (const call of [method.startRenewal, method.finishRenewal])
    await expect(client.call(call, await proven(call.name, device))).rejects.toMatchObject({
      code: 'not-allowed',
    });
  await server.close();
});
