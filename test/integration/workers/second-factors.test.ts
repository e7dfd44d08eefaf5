// Second factors and passkeys: the real engine against the real server.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MemoryStorage } from '../../../workers/storage/memory.ts';
import { systemClock } from '../../../workers/engine/clock.ts';
import { parseOneTimeSecret } from '../../../protocol/records/one-time-secret.ts';
import { totpCode } from '../../../server/login/totp.ts';
import type { PasskeyRequest, SignInStep } from '../../../workers/api.ts';
import { addPasskey, Authenticator } from '../../fixtures/authenticator.ts';
import { holdCodeTime, wrongCode } from '../../fixtures/code-time.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
let server: TestServer;
let origin: string;
beforeAll(async () => {
  holdCodeTime();
  server = await startTestServer();
  origin = `http://localhost:${server.port}`; // credentials are of a name, not of an address
});
afterAll(() => server.close());
afterAll(() => void vi.useRealTimers());

let people = 0;
async function newPerson(storage = new MemoryStorage()) {
  const email = `person${++people}@example.test`;
  const engine = await startEngine(origin, { storage });
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email, password });
  return { email, engine, storage };
}

/** Adds an app; `code(n)` gives the code n steps from now. */
async function addApp(engine: TestEngine) {
  const { uri } = await engine.startAuthenticatorApp();
  const { secret } = parseOneTimeSecret(uri);
  const code = (steps = 0) => totpCode(secret, Math.floor(Date.now() / 30_000) + steps);
  const { backupCodes } = await engine.finishAuthenticatorApp({ code: code(-1), name: 'Phone' });
  return { code, backupCodes };
}

function answer(authenticator: Authenticator, request: PasskeyRequest) {
  const assertion = authenticator.get(request);
  return { ...assertion, prf: authenticator.prf(assertion.credentialId, request.input) };
}

const kinds = (step: SignInStep) => (step.kind === 'second-factor' ? step.methods : step.kind);

describe('an authenticator app', () => {
  test('is asked for at the next sign-in; a wrong code may be tried again, and nothing opens before', async () => {
    const { email, engine } = await newPerson();
    const { code, backupCodes } = await addApp(engine);
    expect(backupCodes).toHaveLength(10);
    const other = await startEngine(origin);
    const step = await other.signIn({ email, password });
    expect(kinds(step)).toEqual(['totp', 'backup-code']);
    expect(other.states.at(-1)?.phase).toBe('signed-out');
    expect(await other.storage.readAccount()).toBeNull();
    await expect(other.completeSignIn({ code: wrongCode(code) })).rejects.toMatchObject({
      code: 'login-refused',
    });
    expect(await other.completeSignIn({ code: code() })).toEqual({ kind: 'done' });
    expect(other.states.at(-1)?.phase).toBe('unlocked');
    await other.close();
    await engine.close();
  });

  test('a backup code works once, however it is typed', async () => {
    const { email, engine } = await newPerson();
    const { backupCodes } = await addApp(engine);
    const typed = (backupCodes[0] ?? '').toUpperCase().replaceAll('-', ' ');
    const other = await startEngine(origin);
    await other.signIn({ email, password });
    expect(await other.completeSignIn({ backupCode: typed })).toEqual({ kind: 'done' });
    expect((await engine.listSecondFactors()).backupCodesLeft).toBe(9);
    await other.signOut();
    await other.signIn({ email, password });
    await expect(other.completeSignIn({ backupCode: typed })).rejects.toMatchObject({
      code: 'login-refused',
    });
    await other.cancelSignIn();
    await expect(other.completeSignIn({ backupCode: backupCodes[1] ?? '' })).rejects.toMatchObject({
      code: 'expired',
    });
    await other.close();
    await engine.close();
  });

  test('the recovery phrase needs it too, and changing the password', async () => {
    const email = `person${++people}@example.test`;
    const engine = await startEngine(origin);
    const phrase = await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    const { backupCodes } = await addApp(engine);
    const next = 'another long password';
    expect(kinds(await engine.changePassword({ password, newPassword: next }))).toContain('totp');
    expect(await engine.completeSignIn({ backupCode: backupCodes[0] ?? '' })).toEqual({ kind: 'done' });
    const other = await startEngine(origin);
    expect(kinds(await other.recover({ email, phrase, newPassword: password }))).toContain('totp');
    expect(await other.completeSignIn({ backupCode: backupCodes[1] ?? '' })).toEqual({ kind: 'done' });
    expect(other.states.at(-1)?.phase).toBe('unlocked');
    await other.close();
    await engine.close();
  });

  test('a trusted device is not asked, until its trust ends', async () => {
    const { email, engine } = await newPerson();
    const { backupCodes } = await addApp(engine);
    const other = await startEngine(origin);
    await other.signIn({ email, password });
    await other.completeSignIn({ backupCode: backupCodes[0] ?? '', trustDevice: true });
    await other.signOut();
    expect(await other.signIn({ email, password })).toEqual({ kind: 'done' });
    const trusted = (await engine.listDevices()).devices.find(({ trustedUntil }) => trustedUntil > 0);
    expect(trusted?.trustedUntil).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    await engine.endTrust(trusted?.uid ?? ('' as never));
    await other.signOut();
    expect(kinds(await other.signIn({ email, password }))).toContain('totp');
    await other.close();
    await engine.close();
  });

  test('with the last factor gone, nothing is asked for', async () => {
    const { email, engine } = await newPerson();
    await addApp(engine);
    const { factors } = await engine.listSecondFactors();
    await engine.renameSecondFactor({ uid: factors[0]?.uid ?? ('' as never), name: 'Old phone' });
    expect((await engine.listSecondFactors()).factors[0]?.name).toBe('Old phone');
    await engine.removeSecondFactor(factors[0]?.uid ?? ('' as never));
    expect(await engine.listSecondFactors()).toEqual({ factors: [], backupCodesLeft: 0 });
    const other = await startEngine(origin);
    expect(await other.signIn({ email, password })).toEqual({ kind: 'done' });
    await other.close();
    await engine.close();
  });

  test('an unlocked vault whose session is over asks for the code, readable meanwhile', async () => {
    const { engine, storage, email } = await newPerson();
    const { code } = await addApp(engine);
    await engine.lock();
    const other = await startEngine(origin);
    await other.signIn({ email, password });
    await other.completeSignIn({ code: code() });
    await other.signOut({ everywhere: true });
    await engine.close();
    const again = await startEngine(origin, { storage });
    expect(await again.unlock({ password })).toEqual({ kind: 'done' });
    const state = await again.until(({ renewal }) => renewal !== null);
    expect(state).toMatchObject({ phase: 'unlocked', renewal: { kind: 'second-factor' } });
    await expect(again.listDevices()).rejects.toMatchObject({ code: 'not-signed-in' });
    await again.completeSignIn({ code: code(1) });
    await again.until(({ renewal, link }) => renewal === null && link === 'connected');
    expect((await again.listDevices()).devices.length).toBeGreaterThan(0);
    await again.close();
    await other.close();
  });
});

test('a security key is a second factor', async () => {
  const { email, engine } = await newPerson();
  const key = new Authenticator(origin);
  const { backupCodes } = await engine.finishSecurityKey({
    ...key.create(await engine.startSecurityKey()),
    name: 'Blue key',
  });
  expect(backupCodes).toHaveLength(10);
  const other = await startEngine(origin);
  const step = await other.signIn({ email, password });
  if (step.kind !== 'second-factor' || !step.webauthn) throw new Error('no key asked for');
  expect(step.methods).toEqual(['security-key', 'backup-code']);
  expect(await other.completeSignIn({ assertion: key.get(step.webauthn) })).toEqual({ kind: 'done' });
  await other.close();
  await engine.close();
});

describe('a passkey', () => {
  test('signs in on a new device without password and second factor, and unlocks it offline', async () => {
    const { email, engine } = await newPerson();
    await addApp(engine);
    const authenticator = new Authenticator(origin);
    await engine.confirmIdentity({ password });
    const { backupCodes } = { backupCodes: await engine.renewBackupCodes() };
    await engine.completeSignIn({ backupCode: backupCodes[0] ?? '' });
    const creation = await engine.startNewPasskey();
    const made = authenticator.create(creation);
    const prf = authenticator.prf(made.credentialId, creation.input);
    await engine.finishNewPasskey({ ...made, prf, name: 'Laptop' });
    expect(await engine.listPasskeys()).toMatchObject([{ name: 'Laptop', onThisDevice: true }]);

    const storage = new MemoryStorage();
    const other = await startEngine(origin, { storage });
    const request = await other.startPasskey('sign-in');
    expect(await other.signInByPasskey(answer(authenticator, request))).toEqual({ kind: 'done' });
    expect(other.states.at(-1)).toMatchObject({ phase: 'unlocked', email, passkeyUnlock: true });
    await other.lock();
    await other.close();

    const offline = await startEngine('http://localhost:1', { storage });
    expect(offline.states.at(-1)).toMatchObject({ phase: 'locked', passkeyUnlock: true });
    await offline.unlockByPasskey(answer(authenticator, await offline.startPasskey('unlock')));
    expect(offline.states.at(-1)?.phase).toBe('unlocked');
    await offline.close();
    await engine.close();
  });

  test('restores a session that is over, and stops opening a device once it is removed', async () => {
    const { email, engine } = await newPerson();
    const authenticator = new Authenticator(origin);
    await addPasskey(engine, authenticator, password);
    const storage = new MemoryStorage();
    const other = await startEngine(origin, { storage });
    await other.signInByPasskey(answer(authenticator, await other.startPasskey('sign-in')));
    await other.lock();
    await engine.signOut({ everywhere: true });
    await other.unlockByPasskey(answer(authenticator, await other.startPasskey('unlock')));
    await other.until(({ link, phase }) => link === 'connected' && phase === 'unlocked');
    await engine.signIn({ email, password });
    const [passkey] = await engine.listPasskeys();
    await engine.removePasskey(passkey?.uid ?? ('' as never));
    await other.until(({ passkeyUnlock }) => !passkeyUnlock);
    await other.lock();
    await expect(other.startPasskey('unlock')).rejects.toMatchObject({ code: 'not-found' });
    expect(await other.unlock({ password })).toEqual({ kind: 'done' });
    await other.close();
    await engine.close();
  });

  test('needs a verified person, and a fresh login to be added', async () => {
    let offset = 0;
    const clock = { ...systemClock, now: () => Date.now() + offset };
    const email = `person${++people}@example.test`;
    const engine = await startEngine(origin, { clock });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    await expect(engine.startNewPasskey()).rejects.toMatchObject({ code: 'login-too-old' });
    const authenticator = new Authenticator(origin);
    await addPasskey(engine, authenticator, password);
    authenticator.verifies = false;
    const request = await engine.startPasskey('sign-in');
    await expect(engine.confirmByPasskey(answer(authenticator, request))).rejects.toMatchObject({
      code: 'login-refused',
    });
    authenticator.verifies = true;
    const fresh = await engine.startPasskey('sign-in');
    expect(await engine.confirmByPasskey(answer(authenticator, fresh))).toEqual({ kind: 'done' });
    await engine.close();
    offset = 0;
  });
});
