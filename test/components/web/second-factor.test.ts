import { flushSync } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { DeviceRequestView, SignInAnswer } from '../../../workers/api.ts';
import { rightCode } from '../../fakes/account-verbs.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { button, closeApp, openApp, shows, type } from './app-page.ts';

afterEach(closeApp);

/** A vault whose sign-in asks for a code. */
function halfway(answers: SignInAnswer[] = []): FakeVault {
  const fake = createFakeVault();
  return Object.assign(fake, {
    signIn: async () => ({
      kind: 'second-factor' as const,
      methods: ['totp', 'backup-code'] as const,
      webauthn: null,
    }),
    completeSignIn: async (answer: SignInAnswer) => {
      answers.push(answer);
      return await complete(answer);
    },
  });
  async function complete(answer: SignInAnswer) {
    if ('backupCode' in answer || ('code' in answer && answer.code === rightCode)) {
      fake.set({ phase: 'unlocked', email: 'ada@example.org' });
      return { kind: 'done' as const };
    }
    const { ProtocolError } = await import('../../../protocol/errors.ts');
    throw new ProtocolError('login-refused');
  }
}

async function signIn(): Promise<void> {
  await shows('Sign in');
  type('Email', 'ada@example.org');
  type('Master password', 'correct horse');
  button('Sign in').click();
  await shows('One more step');
}

test('a sign-in asks for the code, says when it is wrong, and takes a backup code instead', async () => {
  const answers: SignInAnswer[] = [];
  openApp(halfway(answers));
  await signIn();
  type('Code of your authenticator app', '000000');
  button('Continue').click();
  await shows('That code is not right');
  button('Use a backup code').click();
  flushSync();
  expect(document.body.textContent).not.toContain('That code is not right');
  type('Backup code', 'abcd-efgh-jkmn');
  button('Continue').click();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  expect(answers[1]).toEqual({ backupCode: 'abcd-efgh-jkmn', trustDevice: false });
});

test('cancelling goes back to the password, and the worker forgets the login', async () => {
  const fake = halfway();
  const cancelled = vi.spyOn(fake, 'cancelSignIn');
  openApp(fake);
  await signIn();
  button('Cancel').click();
  await shows('Your password never leaves this device.');
  expect(cancelled).toHaveBeenCalledOnce();
});

test('a vault that is open but signed out asks for the missing step by itself', async () => {
  const fake = createFakeVault({
    phase: 'unlocked',
    email: 'ada@example.org',
    renewal: { kind: 'second-factor', methods: ['totp'], webauthn: null },
  });
  openApp(fake, '#/vault');
  await shows('Sign in to go online');
  type('Code of your authenticator app', rightCode);
  button('Continue').click();
  await vi.waitFor(() => expect(document.body.textContent).not.toContain('Sign in to go online'));
  fake.set({ renewal: { kind: 'password' } });
  await shows('this device is signed out at the server');
});

test('a device that waits is shown with its words, and approved', async () => {
  const request: DeviceRequestView = {
    ...{ uid: newUid(), name: 'Firefox on Windows', network: '192.0.2.9' },
    words: ['unit', 'tissue', 'walnut', 'above', 'shadow', 'once'],
    ...{ requestedAt: Date.now(), expiresAt: Date.now() + 60_000 },
  };
  const fake = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  const decided = vi.fn(async () => {});
  Object.assign(fake, { listDeviceRequests: async () => [request], decideDevice: decided });
  openApp(fake, '#/vault');
  await shows('Let a new device in?');
  for (const word of request.words) expect(document.body.textContent).toContain(word);
  button('Approve').click();
  await vi.waitFor(() => expect(decided).toHaveBeenCalledWith({ uid: request.uid, approve: true }));
});

test('settings list devices, and add an authenticator app with its backup codes', async () => {
  openApp(createFakeVault({ phase: 'unlocked', email: 'ada@example.org' }), '#/settings');
  await shows('Your password alone opens this account.');
  expect(document.body.textContent).toContain('This device');
  expect(document.body.textContent).toContain('Firefox on Windows');
  button('Add authenticator app').click();
  await shows('Cannot scan?');
  expect(
    document.querySelector('svg[aria-label^="QR code"] path')?.getAttribute('d')?.length,
  ).toBeGreaterThan(500);
  type('Code', rightCode);
  button('Add app').click();
  await shows('abcd-efgh-jkmn');
  button('I have written them down').click();
  await shows('10 of 10 left');
});
