import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { machines, test, expect } from './house.ts';
import { openRecord, row, save, startRecord, terminal } from './person.ts';

// One after another: each stands on what the ones before have made.
test.describe.configure({ mode: 'serial' });

const titles = ['Alpha', 'Beta', 'Gamma', 'Delta'];
const list = (page: Page) => page.getByRole('list', { name: 'Records' });
const folder = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Vault' }).getByRole('treeitem', { name });

async function go(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Vault' }).getByRole('link', { name }).click();
}

async function createFolder(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New folder' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.keyboard.press('Enter');
  await expect(folder(page, name)).toBeVisible();
}

async function choose(page: Page, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await list(page).getByText(name).hover();
    await list(page).getByLabel(`Choose ${name}`).click();
  }
  await expect(page.getByText(`${names.length} chosen`)).toBeVisible();
}

test('folders hold records by dragging, by moving many at once, and are walked by keys', async ({
  house,
}) => {
  const { page } = house;
  for (const [i, title] of titles.entries()) {
    await startRecord(page, 'Login', title);
    await page.getByLabel('Login', { exact: true }).fill(`user${i}`);
    await page.getByLabel('Password', { exact: true }).fill('the same secret 4712');
    await save(page);
  }
  house.installation.secrets.add('the same secret 4712');
  await createFolder(page, 'Clients');
  await go(page, 'All records');
  await row(page, 'Alpha').dragTo(folder(page, 'Clients'));
  await expect(page.getByText('1 record moved to Clients')).toBeVisible();
  await choose(page, 'Beta', 'Gamma');
  await page.getByRole('button', { name: 'Move to a folder' }).click();
  await page.getByRole('dialog').getByRole('option', { name: 'Clients' }).click();
  await expectAccessible(page, 'move');
  await page.getByRole('button', { name: 'Move to Clients' }).click();
  await expect(page.getByText('2 records moved to Clients')).toBeVisible();
  await folder(page, 'Clients').focus();
  await page.keyboard.press('Enter');
  await expect(list(page).getByRole('link')).toHaveCount(3);
  await expectAccessible(page, 'folder');
  await page.keyboard.press('F2');
  await page.getByLabel('Name', { exact: true }).fill('Customers');
  await page.keyboard.press('Enter');
  await expect(folder(page, 'Customers')).toBeVisible();
});

test('many records get tags and favourites, and leave with an undo', async ({ house }) => {
  const { page } = house;
  await go(page, 'All records');
  await choose(page, 'Alpha', 'Delta');
  await page.getByRole('button', { name: 'Tags', exact: true }).click();
  await page.getByLabel('New tag').fill('billing');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Tags changed')).toBeVisible();
  await go(page, 'billing');
  await expect(list(page).getByRole('link')).toHaveCount(2);
  await choose(page, 'Alpha', 'Delta');
  await page.getByRole('button', { name: 'Add to favourites' }).click();
  await go(page, 'Favourites');
  await expect(list(page).getByRole('link')).toHaveCount(2);
  await choose(page, 'Alpha', 'Delta');
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('2 records moved to the trash')).toBeVisible();
  await expect(list(page).getByRole('link')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await expect(list(page).getByRole('link')).toHaveCount(2);
});

test('the trash gives back, and purges after asking', async ({ house }) => {
  const { page } = house;
  await openRecord(page, 'Delta');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await go(page, 'Trash');
  await row(page, 'Delta').click();
  await expect(page.getByText('In the trash')).toBeVisible();
  await expectAccessible(page, 'trash');
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(page.getByText('Delta is back')).toBeVisible();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await go(page, 'Trash');
  await row(page, 'Delta').click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await expect(row(page, 'Delta')).toHaveCount(0);
});

test('history compares versions and brings one back', async ({ house }) => {
  const { page } = house;
  await openRecord(page, 'Alpha');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Login', { exact: true }).fill('somebody else');
  await save(page);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'History' }).click();
  await expect(page.getByRole('dialog').locator('ins')).toHaveText('somebody else');
  await expect(page.getByRole('dialog').locator('del')).toHaveText('user0');
  await expectAccessible(page, 'history');
  await page.getByRole('button', { name: /^Restore version \d+$/ }).click();
  await expect(page.getByText(/^Version \d+ is back$/)).toBeVisible();
  await expect(page.getByRole('article').getByText('user0')).toBeVisible();
});

test('a one-time code counts down', async ({ house }) => {
  const { page } = house;
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  house.installation.secrets.add(secret);
  await openRecord(page, 'Alpha');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('One-time code').fill(secret);
  await save(page);
  await expect(page.getByRole('article').getByText(/^\d{3}\s?\d{3}$/)).toBeVisible();
});

test('linked users have roles on the machine, and know what uses them', async ({ house }) => {
  const { page } = house;
  await openRecord(page, machines.closed);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('button', { name: 'Link a user' }).click();
  await page.getByPlaceholder('Find a user').fill('stranger');
  await page.getByRole('dialog').getByRole('option', { name: 'Stranger' }).click();
  await page
    .getByRole('group', { name: 'Roles of Stranger' })
    .getByRole('button', { name: 'Administrative credential' })
    .click();
  await expectAccessible(page, 'links');
  await save(page);
  await page.getByRole('article').getByRole('link', { name: 'Stranger' }).click();
  await expect(page.getByRole('region', { name: 'Used by' })).toContainText(machines.closed);
  await expect(page.getByRole('region', { name: 'Used by' })).toContainText('Administrative credential');
});

test('the palette finds a machine and connects to it', async ({ house }) => {
  const { page } = house;
  await go(page, 'All records');
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('Search records, or type a command').fill('Build server by');
  await expectAccessible(page, 'palette');
  await page.getByRole('option', { name: `Connect to ${machines.key}` }).click();
  const trust = page.getByRole('button', { name: 'Trust this host key and connect' });
  await expect(trust.or(terminal(page))).toBeVisible({ timeout: 30_000 });
  if (await trust.isVisible()) await trust.click();
  await expect(terminal(page)).toBeVisible({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
});

test('a table is imported by its columns, and an encrypted export is read back', async ({ house }) => {
  const { page } = house;
  // Where a browser can ask for a place, it asks in a window that no test can answer.
  await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await page.getByRole('link', { name: 'Import and export' }).click();
  await expectAccessible(page, 'transfer');
  const table = 'what,who,hidden\nShop,ada,imported secret 81\nBank,grace,imported secret 82\n';
  house.installation.secrets.add('imported secret 81').add('imported secret 82');
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'old.csv', mimeType: 'text/csv', buffer: Buffer.from(table) });
  await page.getByLabel('What what becomes').selectOption({ label: 'Title' });
  await page.getByLabel('What who becomes').selectOption({ label: 'Login' });
  await page.getByLabel('What hidden becomes').selectOption({ label: 'Password' });
  await expectAccessible(page, 'columns');
  await page.getByRole('button', { name: 'Show what this makes' }).click();
  await expect(page.getByText('imported secret')).toHaveCount(0);
  await expectAccessible(page, 'preview');
  await page.getByRole('button', { name: 'Import 2 records' }).click();
  await expect(page.getByRole('button', { name: 'Move these to the trash' })).toBeVisible();
  await page.getByRole('button', { name: 'Import another file' }).click();

  const phrase = 'export under a phrase of its own 7';
  await page.getByLabel('Password for the file').fill(phrase);
  await page.getByLabel('The same password again').fill(phrase);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  const download = await downloading;
  const sealed = await readFile(await download.path());
  expect(sealed.includes('imported secret')).toBe(false);
  await page.getByRole('region', { name: 'Import', exact: true }).locator('input[type=file]').setInputFiles({
    name: download.suggestedFilename(),
    mimeType: 'application/octet-stream',
    buffer: sealed,
  });
  await page.getByLabel('Password of the file').fill(phrase);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByText('In the vault already').first()).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
});

test('password health names what is used more than once', async ({ house }) => {
  const { page } = house;
  await page.getByRole('link', { name: 'Password health' }).click();
  await expect(page.getByRole('region', { name: 'Used more than once' })).toContainText('Alpha');
  await expect(page.getByText('the same secret 4712')).toHaveCount(0);
  await expectAccessible(page, 'health');
});

test('on a phone folders and a record can be read', async ({ house }) => {
  const { page } = house;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Vault' }).click();
  await page.getByRole('button', { name: 'Folders and tags' }).click();
  await expect(page.getByRole('dialog').getByRole('treeitem', { name: 'Customers' })).toBeVisible();
  await expectAccessible(page, 'phone-places');
  await page.getByRole('dialog').getByRole('treeitem', { name: 'Customers' }).click();
  await row(page, 'Alpha').click();
  await expect(page.getByRole('heading', { name: 'Alpha' })).toBeVisible();
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wider, 'no sideways scrolling').toBe(false);
  await page.screenshot({ path: 'test-results/screens/phone-record.png' });
  await page.setViewportSize({ width: 1280, height: 720 });
});
