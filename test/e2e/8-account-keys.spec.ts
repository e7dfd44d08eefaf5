// New keys for an account: who holds something of it is shown first, and everybody goes on working afterwards.
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import {
  access,
  account,
  change,
  connect,
  createLogin,
  newMember,
  openRecord,
  run,
  shareOpen,
  signIn,
  targetFile,
  unlock,
  writePhraseDown,
} from './person.ts';

test.describe.configure({ mode: 'serial' });

const carol = 'carol@example.org';
const title = 'Rotated along';
let colleague: Page;
let second: Page;

const dialog = (page: Page) => page.getByRole('dialog', { name: 'Rotate account keys' });
const recipients = (page: Page) => page.getByRole('region', { name: 'To whom everything is sealed' });

async function openPreview(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Rotate account keys' }).click();
  await expect(recipients(page)).toBeVisible();
}

async function login(page: Page): Promise<void> {
  await openRecord(page, title);
}

test('the preview names everybody who has something, and whether their words were compared', async ({
  house,
}) => {
  const { page, installation } = house;
  colleague = (await newMember(house, carol)).page;
  second = await house.newBrowser();
  await signIn(second, installation.server.url);
  installation.secrets.add('before the keys 5518');
  await createLogin(page, title, 'before', 'before the keys 5518');
  await shareOpen(page, title, carol, 'Edit');
  await openPreview(page);
  const line = recipients(page).getByRole('row', { name: carol });
  await expect(line).toContainText('1 record: Edit');
  await expect(line).not.toContainText('verified');
  await expect(recipients(page).getByRole('row', { name: 'Office' })).toContainText('its own, as before');
  await expectAccessible(page, 'rotate-preview');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();

  await login(page);
  await access(page)
    .getByRole('button', { name: `fingerprint of ${carol}` })
    .click();
  await page.getByRole('button', { name: 'The words are the same' }).click();
  await expect(access(page)).toContainText('verified');
  await openPreview(page);
  await expect(line).toContainText('verified');
});

test('the keys are new after phrase and password, and the gateway goes on serving', async ({ house }) => {
  const { page, installation } = house;
  await dialog(page).getByRole('button', { name: 'Continue' }).click();
  await expectAccessible(page, 'rotate-phrase');
  installation.secrets.add(await writePhraseDown(page));
  await expectAccessible(page, 'rotate-check');
  await dialog(page).getByRole('button', { name: 'Continue' }).click();
  await dialog(page).getByLabel('Master password').fill(account.password);
  await expectAccessible(page, 'rotate-password');
  await dialog(page).getByRole('button', { name: 'Rotate keys' }).click();
  await expect(dialog(page).getByText('The account has new keys')).toBeVisible();
  await expectAccessible(page, 'rotate-done');
  await dialog(page).getByRole('button', { name: 'Done' }).click();
  await login(page);
  await change(page, 'Login', 'after');
  await connect(page, machines.password);
  await run(page, 'echo new keys > new-keys.txt');
  expect(await targetFile(installation, 'new-keys.txt')).toBe('new keys');
});

test('the colleague reads and writes as before, and keeps the words that were compared', async ({
  house,
}) => {
  const { page } = house;
  await login(colleague);
  await expect(colleague.getByRole('article')).toContainText('after');
  await change(colleague, 'Login', 'by carol');
  await login(page);
  await expect(page.getByRole('article')).toContainText('by carol');
  await expect(access(page)).toContainText('verified');
});

test('the second device signs in once more, and has everything', async ({ house }) => {
  await expect(second.getByText('You were signed out')).toBeVisible();
  await expectAccessible(second, 'rotate-second-device');
  await unlock(second);
  await login(second);
  await expect(second.getByRole('article')).toContainText('by carol');
  await change(second, 'Login', 'by the second device');
  await expect(house.page.getByRole('article')).toContainText('by the second device');
  await second.context().close();
  await colleague.context().close();
});
