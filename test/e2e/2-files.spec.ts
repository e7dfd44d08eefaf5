// Files of a machine beside its terminal: dropped, browsed, taken home, changed.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { connect, createMachine, disconnect, terminal } from './person.ts';

test.describe.configure({ mode: 'serial' });

const mebibyte = 1024 * 1024;
const panel = (page: Page) => page.getByRole('region', { name: 'Files of File server' });
const entry = (page: Page, name: string) => panel(page).getByRole('option', { name });

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part);
  return hash.digest('hex');
}

/** Drops a file of so many MiB, each filled with its number, on the terminal. */
async function drop(page: Page, name: string, size: number): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([fileName, count]) => {
      const blocks = Array.from({ length: count }, (_, at) => new Uint8Array(1024 * 1024).fill(at));
      const transfer = new DataTransfer();
      transfer.items.add(new File(blocks, fileName));
      return transfer;
    },
    [name, size] as const,
  );
  for (const kind of ['dragenter', 'dragover', 'drop'])
    await terminal(page).dispatchEvent(kind, { dataTransfer });
}

/** Of what {@link drop} drops. */
function hashOfBlocks(size: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at++) hash.update(Buffer.alloc(mebibyte, at));
  return hash.digest('hex');
}

test('files dropped on the terminal are uploaded, and a large one comes home as it was', async ({
  house,
}) => {
  const { page, installation } = house;
  const { host, port, username, home } = installation.target;
  const place = { host, port, gateway: 'Office', credential: `Builder (${username})` };
  await createMachine(page, { ...place, title: 'File server', switches: ['Files by SFTP'] });
  await connect(page, 'File server');
  await drop(page, 'large.bin', 48);
  await expect(panel(page).getByText('Uploaded, 50 MB')).toBeVisible({ timeout: 90_000 });
  const hash = hashOfBlocks(48);
  expect(await hashOf(join(home, 'large.bin'))).toBe(hash);
  // Headless, nobody could answer where to save: as in browsers that do not ask.
  await page.evaluate(() => Object.defineProperty(window, 'showSaveFilePicker', { value: undefined }));
  await entry(page, 'large.bin').click();
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 90_000 }),
    panel(page).getByRole('button', { name: 'Download', exact: true }).click(),
  ]);
  expect(await hashOf(await download.path())).toBe(hash);
  await panel(page).getByRole('button', { name: 'Clear done' }).click();
});

test('an upload can be cancelled, and nothing of it stays', async ({ house }) => {
  const { page, installation } = house;
  const { home } = installation.target;
  await drop(page, 'never.bin', 200);
  await panel(page).getByRole('button', { name: 'Cancel never.bin' }).click();
  await expect(panel(page).getByRole('list', { name: 'Transfers' })).toHaveCount(0);
  await expect.poll(() => readdirSync(home).filter((name) => name.includes('.sallyport-'))).toEqual([]);
  expect(existsSync(join(home, 'never.bin'))).toBe(false);
});

test('a file that is there is replaced only when the person says so', async ({ house }) => {
  const { page, installation } = house;
  const { home } = installation.target;
  const before = await hashOf(join(home, 'large.bin'));
  await drop(page, 'large.bin', 1);
  await expect(panel(page).getByText('A file of that name is there already.')).toBeVisible();
  expect(await hashOf(join(home, 'large.bin'))).toBe(before);
  await expectAccessible(page, 'files-question');
  await panel(page).getByRole('button', { name: 'Replace large.bin' }).click();
  await expect(panel(page).getByText('Uploaded, 1 MB')).toBeVisible();
  expect(await hashOf(join(home, 'large.bin'))).toBe(hashOfBlocks(1));
});

test('by keyboard alone: a folder is made, entered and left, a file renamed and deleted', async ({
  house,
}) => {
  const { page, installation } = house;
  const { home } = installation.target;
  const { keyboard } = page;
  await panel(page).getByRole('button', { name: 'New folder' }).press('Enter');
  const named = panel(page).getByLabel('Name of the new folder');
  await expect(named).toBeFocused();
  await keyboard.type('drafts');
  await keyboard.press('Enter');
  await expect(entry(page, 'drafts')).toBeFocused();
  await keyboard.press('Enter');
  await expect(panel(page).getByText('Nothing in this folder')).toBeVisible();
  await expect(panel(page).getByRole('button', { name: 'drafts' })).toHaveAttribute(
    'aria-current',
    'location',
  );
  await expect(panel(page).getByRole('listbox')).toBeFocused();
  await keyboard.press('Backspace');
  await expect(entry(page, 'drafts')).toBeFocused();
  for (const name of ['one.txt', 'two.txt']) writeFileSync(join(home, 'drafts', name), name);
  await keyboard.press('Enter');
  await expect(entry(page, 'one.txt')).toBeFocused();
  await keyboard.press('ArrowDown');
  await expect(entry(page, 'two.txt')).toBeFocused();
  await keyboard.press('F2');
  await expect(panel(page).getByLabel('New name')).toBeFocused();
  await keyboard.type('three.txt');
  await keyboard.press('Enter');
  await expect(entry(page, 'three.txt')).toBeFocused();
  expect(existsSync(join(home, 'drafts', 'three.txt'))).toBe(true);
  await keyboard.press('Delete');
  const sure = panel(page).getByRole('form', { name: 'Delete' });
  await expect(sure).toContainText('three.txt');
  await sure.getByRole('button', { name: 'Delete' }).press('Enter');
  await expect(entry(page, 'three.txt')).toHaveCount(0);
  await expect.poll(() => existsSync(join(home, 'drafts', 'three.txt'))).toBe(false);
});

test('names that lie are shown as what they are, hidden files when they are asked for', async ({ house }) => {
  const { page, installation } = house;
  const { home } = installation.target;
  writeFileSync(join(home, 'invoice\u202efdp.exe'), 'x');
  writeFileSync(join(home, '.hidden-file'), 'x');
  mkdirSync(join(home, 'closed'), { mode: 0o700 }); // of another account
  await panel(page).getByRole('button', { name: 'Folder above' }).click();
  await expect(entry(page, 'invoiceU+202Efdp.exe')).toBeVisible();
  await expect(entry(page, '.hidden-file')).toHaveCount(0);
  await panel(page).getByRole('button', { name: 'Show hidden files' }).click();
  await expect(entry(page, '.hidden-file')).toBeVisible();
  await expectAccessible(page, 'files');
  await entry(page, 'closed').dblclick();
  await expect(panel(page).getByRole('alert')).toContainText('The account on the machine may not do that.');
  await expectAccessible(page, 'files-refused');
  await panel(page).getByRole('button', { name: 'Close files' }).click();
  await expect(panel(page)).toHaveCount(0);
  await disconnect(page);
});
