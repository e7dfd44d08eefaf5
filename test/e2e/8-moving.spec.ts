// Moving in from other vaults and out of this one, with files as those vaults write them.
import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js/lib/zip-core-native.js';
import { utf8 } from '../../protocol/bytes.ts';
import { kdbx } from '../../workers/exchange/keepass-library.ts';
import { bitwardenSealed, keepassDatabase, zipOf } from '../unit/workers/exchange/samples.ts';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import { openRecord, row } from './person.ts';

test.describe.configure({ mode: 'serial' });

const filePassword = 'of the other vault 6';
const secret = (n: number) => `moved in secret ${n}00${n}`;
const preview = (page: Page) => page.getByRole('region', { name: 'What would be imported' });

async function choose(page: Page, name: string, content: Uint8Array): Promise<void> {
  await page.getByRole('link', { name: 'Import and export' }).click();
  const file = { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) };
  const part = page.getByRole('region', { name: 'Import', exact: true });
  await part.locator('input[type=file]').setInputFiles(file); // a record has one, too
}

async function openWith(page: Page, password: string): Promise<void> {
  await page.getByLabel('Password of the file').fill(password);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
}

test('an encrypted file of Bitwarden opens with its password, and says what stays behind', async ({
  house,
}) => {
  const { page } = house;
  house.installation.secrets.add(filePassword).add(secret(1));
  const item = { id: 'i1', folderId: 'f1', type: 1, name: 'From Bitwarden', favorite: true };
  const passwordHistory = [{ lastUsedDate: '2024-01-01', password: 'former' }];
  const login = { uris: [{ uri: 'https://a.example' }], username: 'ann', password: secret(1) };
  const plain = {
    ...{ encrypted: false, folders: [{ id: 'f1', name: 'Moved/Mail' }] },
    items: [{ ...item, login, passwordHistory }],
  };
  const sealed = await bitwardenSealed(plain, filePassword, 'argon2id');
  await choose(page, 'bitwarden.json', utf8(JSON.stringify(sealed)));
  await openWith(page, 'not its password');
  await expect(page.getByText('This password does not open it')).toBeVisible();
  await openWith(page, filePassword);
  await expect(preview(page)).toContainText('From Bitwarden');
  await expect(preview(page)).toContainText('Moved / Mail');
  await expect(page.getByText('the password history of "From Bitwarden"')).toBeVisible();
  await expect(page.getByText(secret(1))).toHaveCount(0);
  await expectAccessible(page, 'import-preview');
  // Nothing is stored before it was seen: the dry run leaves no trace.
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'All records' }).click();
  await expect(row(page, 'From Bitwarden')).toHaveCount(0);

  await choose(page, 'bitwarden.json', utf8(JSON.stringify(sealed)));
  await openWith(page, filePassword);
  await page.getByRole('button', { name: 'Import 1 record' }).click();
  await expect(page.getByText('1 record, 2 folders.')).toBeVisible();
  await expectAccessible(page, 'import-report');
  await page.getByRole('button', { name: 'Show the vault' }).click();
  await openRecord(page, 'From Bitwarden');
  await page.getByRole('button', { name: 'Show password' }).click();
  await expect(page.getByText(secret(1))).toBeVisible();
});

test('a 1PUX archive brings its documents', async ({ house }) => {
  const { page } = house;
  const file = { fileName: 'scan.txt', documentId: 'doc1', decryptedSize: 3 };
  const details = {
    loginFields: [{ value: 'ann', name: 'username', fieldType: 'T', designation: 'username' }],
    sections: [{ title: 'More', fields: [{ id: 'f', title: 'Scan', value: { file } }] }],
  };
  const overview = { title: 'From 1Password', urls: [], tags: ['kept'] };
  const item = { uuid: 'u', favIndex: 0, state: 'active', categoryUuid: '001', details, overview };
  const vaults = [{ attrs: { name: 'Moved from 1P' }, items: [item] }];
  const archive = await zipOf({
    'export.attributes': '{}',
    'export.data': JSON.stringify({ accounts: [{ attrs: { accountName: 'Ann' }, vaults }] }),
    'files/doc1__scan.txt': 'a scan',
  });
  await choose(page, 'export.1pux', archive);
  await expect(page.getByText('1 attachment')).toBeVisible();
  await page.getByRole('button', { name: 'Import 1 record' }).click();
  await expect(page.getByText('1 record, 1 folder, 1 attachment.')).toBeVisible();
  await openRecord(page, 'From 1Password');
  await page.getByRole('button', { name: 'Preview scan.txt' }).click();
  await expect(page.getByLabel('Content of scan.txt')).toHaveText('a scan');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
});

test('a KDBX database opens, and a second time nothing of it is new', async ({ house }) => {
  const { page } = house;
  house.installation.secrets.add(secret(2));
  const database = keepassDatabase(filePassword);
  const fields = database.createEntry(database.getDefaultGroup()).fields;
  fields.set('Title', 'From KeePass').set('UserName', 'ann');
  fields.set('Password', kdbx.ProtectedValue.fromString(secret(2)));
  const saved = new Uint8Array(await database.save());
  await choose(page, 'vault.kdbx', saved);
  await openWith(page, filePassword);
  await page.getByRole('button', { name: 'Import 1 record' }).click();
  await expect(page.getByText('Imported', { exact: true })).toBeVisible();
  await openRecord(page, 'From KeePass');
  await choose(page, 'vault.kdbx', saved);
  await openWith(page, filePassword);
  await expect(preview(page)).toContainText('In the vault already');
  await page.getByRole('button', { name: 'Cancel' }).click();
});

test('a zip of everything is warned of, and has records and attachments', async ({ house }) => {
  const { page } = house;
  // Where a browser can ask for a place, it asks in a window that no test can answer.
  await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await page.getByRole('radio', { name: /^Zip, in clear/ }).check();
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await expectAccessible(page, 'export-warning');
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export in clear' }).click();
  const files = await unzip(await (await downloading).path());
  expect(files.get([...files.keys()].find((name) => name.endsWith('scan.txt')) ?? '')).toBe('a scan');
  const all = [...files.values()].join('\n');
  for (const text of ['From Bitwarden', secret(1), 'From KeePass', secret(2)]) expect(all).toContain(text);
});

/** Its files by name, as texts. */
async function unzip(path: string): Promise<Map<string, string>> {
  const reader = new ZipReader(new Uint8ArrayReader(await readFile(path)), { useWebWorkers: false });
  const files = new Map<string, string>();
  for (const entry of await reader.getEntries())
    if (!entry.directory)
      files.set(entry.filename, new TextDecoder().decode(await entry.getData(new Uint8ArrayWriter())));
  await reader.close();
  return files;
}
