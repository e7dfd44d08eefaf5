// Attack class 18, with more than one factor: whoever knows the password, and nothing else, gets nothing.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import {
  AccountService,
  type CompleteLoginRequest,
  type FinishLoginResponse,
} from '../../protocol/messages/gen/account_pb.js';
import { DeviceService } from '../../protocol/messages/gen/device_pb.js';
import { PasskeyService, SecondFactorService } from '../../protocol/messages/gen/factor_pb.js';
import { uidBytes } from '../../protocol/uid.ts';
import { totpCode } from '../../server/login/totp.ts';
import type { WebAuthnAnswer, WebAuthnAttestation } from '../../workers/api.ts';
import { ApiClient, envelopeOf } from '../fixtures/api-client.ts';
import { Authenticator } from '../fixtures/authenticator.ts';
import { holdCodeTime, wrongCode } from '../fixtures/code-time.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';

const password = 'correct horse battery';
const { completeLogin, startPasskeyLogin, finishPasskeyLogin, awaitApproval } = AccountService.method;
const factors = SecondFactorService.method;
const refused = { code: 'login-refused' };

let server: TestServer;
let origin: string;
beforeAll(async () => {
  holdCodeTime();
  server = await startTestServer();
  origin = `http://localhost:${server.port}`;
});
afterAll(() => server.close());
afterAll(() => void vi.useRealTimers());

let people = 0;
async function newVictim() {
  const email = `victim${++people}@example.test`;
  const victim = await ApiClient.connect(origin);
  await victim.register(email, password);
  return { email, victim };
}

async function addApp(victim: ApiClient) {
  const { ceremonyUid, secret } = await victim.call(factors.startAuthenticatorApp, {});
  const step = () => Math.floor(Date.now() / 30_000);
  const code = (steps = 0) => totpCode(secret, step() + steps);
  const enrolled = code(-1);
  const { backupCodes } = await victim.call(factors.finishAuthenticatorApp, {
    ...{ ceremonyUid, code: enrolled, name: 'Phone' },
  });
  return { code, enrolled, backupCodes };
}

const messageOf = (answer: WebAuthnAnswer) => ({ ...answer, clientDataJson: answer.clientData });
const attestationOf = ({ credentialId, clientData, attestation }: WebAuthnAttestation) => ({
  ...{ credentialId, clientDataJson: clientData, attestationObject: attestation },
});

/** Nothing that opens anything, nor a session. */
function expectNothing(answer: FinishLoginResponse): void {
  expect(answer.session).toBeUndefined();
  expect(answer.account).toBeUndefined();
  expect(answer.organisation).toBeUndefined();
  expect(answer.sealedDataKey).toHaveLength(0);
}

/** The password alone, on a device of the thief. */
async function halfway(email: string, thief?: ApiClient) {
  const client = thief ?? (await ApiClient.connect(origin));
  const answer = await client.login(email, password);
  expectNothing(answer);
  const loginUid = answer.secondFactor?.loginUid ?? new Uint8Array(0);
  const complete = async (
    given: CompleteLoginRequest['answer'],
    changes: { deviceProof?: Uint8Array } = {},
  ) =>
    await client.call(completeLogin, {
      ...{ loginUid, answer: given, deviceProof: await client.proveDevice(completeLogin, loginUid) },
      ...changes,
    });
  return { client, loginUid, question: answer.secondFactor, complete };
}

const byCode = (value: string) => ({ case: 'totpCode', value }) as const;

describe('a code', () => {
  test('is missing: the password gives a question and nothing else', async () => {
    const { email, victim } = await newVictim();
    await addApp(victim);
    const { question } = await halfway(email);
    expect(question?.loginUid).toHaveLength(16);
    expect(question?.credentialIds).toEqual([]);
  });

  test('that signed in before, or enrolled the app, does not sign in again', async () => {
    const { email, victim } = await newVictim();
    const { code, enrolled } = await addApp(victim);
    const overheard = code();
    expect((await (await halfway(email)).complete(byCode(overheard))).session).toBeDefined();
    const { complete } = await halfway(email);
    await expect(complete(byCode(overheard))).rejects.toMatchObject(refused);
    await expect(complete(byCode(enrolled))).rejects.toMatchObject(refused);
    await expect(complete(byCode(code(-1)))).rejects.toMatchObject(refused); // older than the newest that was used
    await expect(complete(byCode(code(2)))).rejects.toMatchObject(refused); // out of the window
  });

  test('right, at the same moment from two places: one gets in', async () => {
    const { email, victim } = await newVictim();
    const { code } = await addApp(victim);
    const logins = await Promise.all([halfway(email), halfway(email), halfway(email)]);
    const given = code();
    const answers = await Promise.allSettled(logins.map(({ complete }) => complete(byCode(given))));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('of another account, or of no form at all, is refused', async () => {
    const { email, victim } = await newVictim();
    await addApp(victim);
    const other = await newVictim();
    const { code, backupCodes } = await addApp(other.victim);
    const { complete } = await halfway(email);
    for (const given of [code(), '', '12345', '１２３４５６', `${code()}\n`])
      await expect(complete(byCode(given))).rejects.toMatchObject(refused);
    const again = await halfway(email);
    const stolen = { case: 'backupCode', value: backupCodes[0] ?? '' } as const;
    await expect(again.complete(stolen)).rejects.toMatchObject(refused);
  });

  test('is wrong five times: the login is over, also for the right one', async () => {
    const { email, victim } = await newVictim();
    const { code } = await addApp(victim);
    const { complete } = await halfway(email);
    for (let i = 0; i < 5; i++)
      await expect(complete(byCode(wrongCode(code)))).rejects.toMatchObject(refused);
    await expect(complete(byCode(code()))).rejects.toMatchObject({ code: 'expired' });
  });
});

describe('the device', () => {
  test('that began the login must end it: its UID alone, seen or guessed, is of no use', async () => {
    const { email, victim } = await newVictim();
    const { code } = await addApp(victim);
    const { loginUid, complete } = await halfway(email);
    const thief = await ApiClient.connect(origin);
    const foreign = await thief.proveDevice(completeLogin, loginUid);
    const otherStep = await victim.proveDevice(awaitApproval, loginUid);
    for (const deviceProof of [foreign, otherStep, new Uint8Array(0), randomBytes(64)])
      await expect(complete(byCode(code()), { deviceProof })).rejects.toMatchObject({
        code: 'bad-signature',
      });
    const guessed = await thief.proveDevice(completeLogin, randomBytes(16));
    const request = { loginUid: randomBytes(16), answer: byCode(code()), deviceProof: guessed };
    await expect(thief.call(completeLogin, request)).rejects.toMatchObject({ code: 'expired' });
  });

  test('that is trusted is so by its key: who only knows its UID and public key is nobody', async () => {
    const { email, victim } = await newVictim();
    const { code } = await addApp(victim);
    const { client, loginUid } = await halfway(email);
    const deviceProof = await client.proveDevice(completeLogin, loginUid);
    await client.call(completeLogin, { loginUid, answer: byCode(code()), trustDevice: true, deviceProof });
    expect((await client.login(email, password)).session).toBeDefined();
    const { deviceUid, device } = client;
    const thief = await ApiClient.connect(origin);
    const pretender = Object.assign(thief, {
      deviceUid,
      device: { publicKey: device.publicKey, sign: signerOf(generateEcdhKeyPair().privateKey).sign },
    });
    await expect(pretender.login(email, password)).rejects.toMatchObject({ code: 'bad-signature' });
  });

  test('that was revoked gets nothing, under whatever UID its key comes back', async () => {
    const { email, victim } = await newVictim();
    const thief = await ApiClient.connect(origin);
    await thief.login(email, password);
    const { devices } = await victim.call(DeviceService.method.listDevices, {});
    const stolen = devices.find(({ current }) => !current);
    await victim.call(DeviceService.method.revokeDevice, {
      deviceUid: stolen?.deviceUid ?? new Uint8Array(16),
    });
    await expect(thief.call(DeviceService.method.listDevices, {})).rejects.toMatchObject({
      code: 'not-signed-in',
    });
    await expect(thief.login(email, password)).rejects.toMatchObject({ code: 'device-revoked' });
    const renamed = Object.assign(await ApiClient.connect(origin), { device: thief.device });
    await expect(renamed.login(email, password)).rejects.toMatchObject({ code: 'device-revoked' });
  });

  test('that is there under two UIDs goes under both, whichever of them is revoked', async () => {
    const { email, victim } = await newVictim();
    const thief = await ApiClient.connect(origin);
    await thief.login(email, password);
    const again = Object.assign(await ApiClient.connect(origin), { device: thief.device });
    await again.login(email, password);
    const revoke = (client: ApiClient) =>
      victim.call(DeviceService.method.revokeDevice, { deviceUid: uidBytes(client.deviceUid) });
    await revoke(thief);
    for (const client of [thief, again])
      await expect(client.call(DeviceService.method.listDevices, {})).rejects.toMatchObject({
        code: 'not-signed-in',
      });
    const { devices } = await victim.call(DeviceService.method.listDevices, {});
    expect(devices.map(({ current }) => current)).toEqual([true]);
    await expect(revoke(again)).rejects.toMatchObject({ code: 'not-found' });
    await expect(again.login(email, password)).rejects.toMatchObject({ code: 'device-revoked' });
  });

  test('that waits for approval gets nothing, and cannot have itself or another one approved', async () => {
    const { email, victim } = await newVictim();
    await victim.call(DeviceService.method.setDeviceApproval, { approval: true });
    const thief = await ApiClient.connect(origin);
    const answer = await thief.login(email, password);
    expectNothing(answer);
    const loginUid = answer.devicePending?.loginUid ?? new Uint8Array(0);
    const { requests } = await victim.call(DeviceService.method.listDeviceRequests, {});
    const decision = { requestUid: requests[0]?.requestUid ?? new Uint8Array(16), approve: true };
    await expect(thief.call(DeviceService.method.decideDevice, decision)).rejects.toMatchObject({
      code: 'not-signed-in',
    });
    const stranger = (await newVictim()).victim;
    await expect(stranger.call(DeviceService.method.decideDevice, decision)).rejects.toMatchObject({
      code: 'not-found',
    });
    // Another device cannot reap what was approved for this one.
    await victim.call(DeviceService.method.decideDevice, decision);
    const deviceProof = await stranger.proveDevice(awaitApproval, loginUid);
    await expect(stranger.call(awaitApproval, { loginUid, deviceProof })).rejects.toMatchObject({
      code: 'bad-signature',
    });
    const proven = { loginUid, deviceProof: await thief.proveDevice(awaitApproval, loginUid) };
    expect((await thief.call(awaitApproval, proven)).session).toBeDefined();
    await expect(thief.call(awaitApproval, proven)).rejects.toMatchObject({ code: 'expired' });
  });
});

describe('a security key', () => {
  test('answers this challenge, for this origin; a replayed or foreign answer is refused', async () => {
    const { email, victim } = await newVictim();
    const key = new Authenticator(origin);
    const creation = await victim.call(factors.startSecurityKey, {});
    const made = attestationOf(key.create(creation));
    await victim.call(factors.finishSecurityKey, {
      ...{ ceremonyUid: creation.ceremonyUid, attestation: made, name: 'Key' },
    });
    const first = await halfway(email);
    const question = first.question ?? { challenge: new Uint8Array(32), credentialIds: [] };
    expect(question.credentialIds).toHaveLength(1);
    const overheard = key.get(question);
    const byKey = (answer: WebAuthnAnswer) => ({ case: 'assertion', value: messageOf(answer) }) as never;
    expect((await first.complete(byKey(overheard))).session).toBeDefined();
    const second = await halfway(email);
    await expect(second.complete(byKey(overheard))).rejects.toMatchObject(refused);
    const asked = second.question ?? question;
    const elsewhere = new Authenticator('https://evil.example');
    elsewhere.adopt(key);
    const samePage = new Authenticator('https://evil.example', 'localhost');
    samePage.adopt(key);
    const stranger = new Authenticator(origin);
    stranger.create(creation);
    for (const answer of [
      elsewhere.get(asked),
      samePage.get(asked),
      { ...stranger.get({ challenge: asked.challenge }), credentialId: overheard.credentialId },
    ])
      await expect(second.complete(byKey(answer))).rejects.toMatchObject(refused);
    expect((await second.complete(byKey(key.get(asked)))).session).toBeDefined();
  });
});

describe('a passkey', () => {
  async function withPasskey() {
    const { email, victim } = await newVictim();
    const authenticator = new Authenticator(origin);
    const creation = await victim.call(PasskeyService.method.startPasskey, {});
    await victim.call(PasskeyService.method.finishPasskey, {
      ceremonyUid: creation.ceremonyUid,
      attestation: attestationOf(authenticator.create(creation)),
      name: 'Passkey',
      sealedDataKey: envelopeOf('data key'),
    });
    return { email, victim, authenticator };
  }

  async function start(client: ApiClient) {
    const started = await client.call(startPasskeyLogin, {});
    const finish = async (answer: WebAuthnAnswer, loginUid = started.loginUid) =>
      await client.call(finishPasskeyLogin, {
        loginUid,
        assertion: messageOf(answer),
        device: client.deviceMessage(),
        deviceProof: await client.proveDevice(finishPasskeyLogin, loginUid),
      });
    return { ...started, finish };
  }

  test('opens nothing by a replayed answer, another origin, or an unverified person', async () => {
    const { authenticator } = await withPasskey();
    const client = await ApiClient.connect(origin);
    const first = await start(client);
    const overheard = authenticator.get(first);
    expect((await first.finish(overheard)).sealedDataKey.length).toBeGreaterThan(0);
    await expect(first.finish(overheard)).rejects.toMatchObject({ code: 'expired' });
    await expect((await start(client)).finish(overheard)).rejects.toMatchObject(refused);
    const phished = new Authenticator('https://evil.example');
    phished.adopt(authenticator);
    const lured = await start(client);
    await expect(lured.finish(phished.get(lured))).rejects.toMatchObject(refused);
    authenticator.verifies = false;
    const unverified = await start(client);
    await expect(unverified.finish(authenticator.get(unverified))).rejects.toMatchObject(refused);
  });

  test('that was removed opens nothing, though its login had begun', async () => {
    const { victim, authenticator } = await withPasskey();
    const client = await ApiClient.connect(origin);
    const begun = await start(client);
    const { passkeys } = await victim.call(PasskeyService.method.listPasskeys, {});
    await victim.call(PasskeyService.method.removePasskey, {
      passkeyUid: passkeys[0]?.passkeyUid ?? new Uint8Array(16),
    });
    await expect(begun.finish(authenticator.get(begun))).rejects.toMatchObject(refused);
  });

  test('is not made with a certificate, which would have to be fetched from where it says', async () => {
    const { victim } = await newVictim();
    const authenticator = new Authenticator(origin);
    authenticator.certificates = true;
    const creation = await victim.call(PasskeyService.method.startPasskey, {});
    const request = {
      ceremonyUid: creation.ceremonyUid,
      attestation: attestationOf(authenticator.create(creation)),
      name: 'Passkey',
      sealedDataKey: envelopeOf('data key'),
    };
    await expect(victim.call(PasskeyService.method.finishPasskey, request)).rejects.toMatchObject(refused);
  });
});
