// Second factor, passkeys, devices and the end of an account, as a person meets them. Chromium's own virtual
// authenticator stands for the finger and the key.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Browser, type Page } from '@playwright/test';
import { openLogFile } from '../../scripts/process/log-file.ts';
import { startServerProcess, type ServerProcess } from '../../scripts/process/server.ts';
import { parseOneTimeSecret } from '../../protocol/records/one-time-secret.ts';
import { totpCode } from '../../server/login/totp.ts';
import { expectAccessible } from './accessible.ts';
import { account, createFirstAccount, unlock } from './person.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-account-'));
let server: ServerProcess;
/** Credentials are of a name, not of an address. */
let url: string;
let page: Page;
let secret = '';
/** Steps that a code was already used of: each works once. */
let lastStep = 0;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ browser }) => {
  const settings = {
    SALLYPORT_DATA: join(folder, 'data'),
    SALLYPORT_HOST: '127.0.0.1',
    SALLYPORT_PORT: '0',
    SALLYPORT_SITE: join(import.meta.dirname, '../../dist/web'),
  };
  server = await startServerProcess({ settings, log: openLogFile(join(folder, 'server.log')) });
  url = `http://localhost:${server.port}`;
  page = await newPage(browser);
  await addAuthenticator(page);
  await createFirstAccount(page, `${url}/#setup=${server.setupToken ?? ''}`);
  await page.getByRole('button', { name: 'Skip for now' }).click();
  await expect(page.getByRole('button', { name: 'New record' }).first()).toBeVisible();
});
test.afterAll(async () => {
  await page.context().close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newPage(browser: Browser): Promise<Page> {
  const viewport = { width: 1280, height: 720 };
  return await (await browser.newContext({ viewport })).newPage();
}

async function addAuthenticator(on: Page, options: { hasPrf?: boolean } = {}): Promise<void> {
  const session = await on.context().newCDPSession(on);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: true,
      ...options,
    },
  });
}

async function settings(on: Page): Promise<void> {
  await on.getByRole('link', { name: 'Settings' }).click();
  await expect(on.getByRole('heading', { name: 'Passkeys' })).toBeVisible();
}

async function confirm(on: Page): Promise<void> {
  await on.getByRole('dialog').getByLabel('Master password').fill(account.password);
  await on.getByRole('button', { name: 'Confirm' }).click();
}

/** A code that was not used: of this half minute, or of the next, which the server takes too. */
async function nextCode(): Promise<string> {
  const { secret: bytes } = parseOneTimeSecret(secret);
  const now = () => Math.floor(Date.now() / 30_000);
  await expect.poll(() => now() + 1 > lastStep, { timeout: 40_000, intervals: [500] }).toBe(true);
  lastStep = Math.max(lastStep + 1, now() - 1);
  return totpCode(bytes, lastStep);
}

async function signIn(on: Page): Promise<void> {
  await on.goto(url);
  await on.getByLabel('Email').fill(account.email);
  await on.getByLabel('Master password').fill(account.password);
  await on.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('a passkey is added, and unlocks', async () => {
  await settings(page);
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await confirm(page);
  await page.getByRole('dialog').getByLabel('Name').fill('Laptop');
  await expectAccessible(page, 'add-passkey');
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await expect(page.getByText('Unlocks this device', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Unlock with a passkey' })).toBeVisible();
  await expectAccessible(page, 'unlock-passkey');
  await page.getByRole('button', { name: 'Unlock with a passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Passkeys' })).toBeVisible();
});

test('a passkey signs in after everything on the device was erased', async () => {
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeVisible();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('link', { name: 'Settings' })).toBeVisible();
});

test('an authenticator without PRF is refused, with the reason', async ({ browser }) => {
  const other = await newPage(browser);
  await addAuthenticator(other, { hasPrf: false });
  await signIn(other);
  await settings(other);
  await other.getByRole('button', { name: 'Add passkey' }).click();
  await confirm(other);
  await other.getByRole('button', { name: 'Create passkey' }).click();
  await expect(other.getByRole('alert').getByText('This authenticator cannot open a vault')).toBeVisible();
  await other.context().close();
});

test('an authenticator app is added, with backup codes, and asked for at the next sign-in', async ({
  browser,
}) => {
  await settings(page);
  await page.getByRole('button', { name: 'Add authenticator app' }).click();
  await expect(page.getByRole('img', { name: 'QR code for the authenticator app' })).toBeVisible();
  secret = (await page.getByTestId('app-secret').innerText()).trim();
  await expectAccessible(page, 'add-app');
  await page.getByRole('dialog').getByLabel('Code', { exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Add app' }).click();
  await expect(page.getByRole('alert').getByText('That code is not right')).toBeVisible();
  await page
    .getByRole('dialog')
    .getByLabel('Code', { exact: true })
    .fill(await nextCode());
  await page.getByRole('button', { name: 'Add app' }).click();
  const codes = page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  await expectAccessible(page, 'backup-codes');
  const [backup = ''] = await codes.allInnerTexts();
  await page.getByRole('button', { name: 'I have written them down' }).click();
  await expectAccessible(page, 'settings-account');

  const other = await newPage(browser);
  await signIn(other);
  await expect(other.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await expectAccessible(other, 'second-factor');
  await other.getByLabel('Code of your authenticator app').fill('123 456');
  await other.getByRole('button', { name: 'Continue' }).click();
  await expect(other.getByRole('alert')).toBeVisible();
  await other.getByRole('button', { name: 'Use a backup code' }).click();
  await other.getByLabel('Backup code').fill(backup.toUpperCase());
  await other.getByRole('switch', { name: /Do not ask on this device/ }).click();
  await other.getByLabel('Backup code').press('Enter');
  await settings(other);
  await expect(other.getByText('9 of 10 left')).toBeVisible();
  await other.context().close();
});

test('a new device waits until it is approved by the words of its key', async ({ browser }) => {
  await page.getByRole('switch', { name: 'New devices need approval' }).click();
  await expect(page.getByRole('switch', { name: 'New devices need approval' })).toBeChecked();
  const other = await newPage(browser);
  await signIn(other);
  await other.getByLabel('Code of your authenticator app').fill(await nextCode());
  await other.getByRole('button', { name: 'Continue' }).click();
  const shown = other.getByRole('list', { name: 'Words of this device' }).getByRole('listitem');
  await expect(shown).toHaveCount(6);
  const words = await shown.allInnerTexts();
  await expectAccessible(other, 'device-pending');
  await expect(page.getByRole('dialog', { name: 'Let a new device in?' })).toBeVisible();
  const asked = page.getByRole('list', { name: 'Words of the new device' }).getByRole('listitem');
  await expect(asked).toHaveText(words);
  await expectAccessible(page, 'device-request');
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(other.getByRole('link', { name: 'Settings' })).toBeVisible();

  // The same device is thrown out again, at once, and does not come back.
  await page
    .getByRole('button', { name: /^Revoke / })
    .last()
    .waitFor();
  const before = await page.getByRole('button', { name: /^Revoke / }).count();
  await page
    .getByRole('button', { name: /^Revoke / })
    .first()
    .click();
  await page.getByRole('button', { name: 'Revoke device' }).click();
  await expect(page.getByRole('button', { name: /^Revoke / })).toHaveCount(before - 1);
  await expect(other.getByText('You were signed out')).toBeVisible();
  await unlock(other);
  await expect(other.getByText('This device was revoked')).toBeVisible();
  await other.context().close();
});

test('the account is deleted by password and address', async () => {
  await page.getByRole('button', { name: 'Delete account' }).click();
  await page.getByLabel('Type your email address').fill(account.email);
  await page.getByRole('dialog').getByLabel('Master password').fill(account.password);
  await expectAccessible(page, 'delete-account');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete account' }).click();
  await page.getByLabel('Code of your authenticator app').fill(await nextCode());
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Email').fill(account.email);
  await page.getByLabel('Master password').fill(account.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('alert').getByText('Email or master password is wrong')).toBeVisible();
});
