// What a script is given, reads and writes, through the client that everybody has, and what the person sees of it.
import {
  deleteFolder,
  deleteSecret,
  getFolders,
  getSecrets,
  initializeStorage,
  inMemoryStorage,
  loadJsonConfig,
  updateSecret,
  updateSecret2,
  UpdateTransactionType,
  uploadFile,
  type KeeperRecord,
  type SecretManagerOptions,
} from '@keeper-security/secrets-manager-core';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import { makeCertificate } from '../fixtures/certificate.ts';
import { expectAccessible } from './accessible.ts';
import { Installation } from './installation.ts';
import { createFirstAccount, createGateway, createLogin, openRecord, row } from './person.ts';

/** Clients speak HTTPS alone, so this server has a certificate. */
interface Workshop {
  readonly installation: Installation;
  readonly page: Page;
  /** What the devices of the journey hold, by their names. */
  readonly devices: Map<string, SecretManagerOptions>;
}

const test = base.extend<object, { workshop: Workshop }>({
  workshop: [
    async ({ browser }, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-applications-'));
      const { certificate: TLS_CERT, key: TLS_KEY } = makeCertificate(folder);
      // For files the clients have no setting but the platform's.
      setDefaultCACertificates([...getCACertificates('default'), readFileSync(TLS_CERT, 'utf8')]);
      const installation = await Installation.start({ serverSettings: { TLS_CERT, TLS_KEY } });
      try {
        const context = await browser.newContext({
          ...{ viewport: { width: 1280, height: 720 }, ignoreHTTPSErrors: true },
          permissions: ['clipboard-read', 'clipboard-write'],
        });
        const page = await context.newPage();
        await createFirstAccount(page, installation.setupLink);
        await createGateway(page, 'Office');
        await page.getByRole('button', { name: 'Go on without waiting' }).click();
        await use({ installation, page, devices: new Map() });
        await context.close();
      } finally {
        await installation.stop();
        rmSync(folder, { recursive: true });
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

// One after another: each stands on what the ones before have made.
test.describe.configure({ mode: 'serial' });

const passwords = { registry: 'registry password 4711', staging: 'staging password 4712' };
const patience = { timeout: 30_000 };
const section = (page: Page, name: string) => page.getByRole('region', { name: new RegExp(`^${name}`) });
const shown = (dialog: Locator, name: string) => dialog.getByRole('textbox', { name, exact: true });

async function goToApplications(page: Page): Promise<void> {
  await page
    .getByRole('link', { name: /^Applications/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: 'Applications', level: 1 })).toBeVisible();
}

async function openApplication(page: Page, name: string): Promise<void> {
  await goToApplications(page);
  await page.getByRole('main').getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
}

/** Fills the form of a new device; the dialog shows what it gets then. */
async function addDevice(page: Page, name: string, form: 'One-time token' | 'Ready configuration') {
  await page.getByRole('button', { name: 'Add device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel(form).check();
  return dialog;
}

/** The server's certificate is one that a browser would not believe either. */
const trusting = { allowUnverifiedCertificate: true } as const;

async function titlesFor(device: SecretManagerOptions): Promise<string[]> {
  const { records } = await getSecrets(device);
  return records.map(titleOf).sort();
}

const titleOf = ({ data }: KeeperRecord) => String((data as { title: unknown }).title);

/** The first value of a field of what the client opened. */
function fieldOf(record: KeeperRecord, type: string): { value: unknown[] } {
  const { fields } = record.data as { fields: { type: string; value: unknown[] }[] };
  const field = fields.find((one) => one.type === type);
  if (field === undefined) throw new Error(`the record has no ${type}`);
  return field;
}

function deviceOf({ devices }: Workshop, name: string): SecretManagerOptions {
  const device = devices.get(name);
  if (device === undefined) throw new Error(`there is no device ${name}`);
  return device;
}

async function readRecord(device: SecretManagerOptions, title: string): Promise<KeeperRecord> {
  const { records } = await getSecrets(device);
  const record = records.find((one) => titleOf(one) === title);
  if (record === undefined) throw new Error(`the device has no ${title}`);
  return record;
}

test('an application is made and given a record and a shared folder, found by words', async ({
  workshop,
}) => {
  const { page } = workshop;
  await page.getByRole('button', { name: 'New shared folder' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Staging');
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await createLogin(page, 'Container registry', 'pusher', passwords.registry);
  await createLogin(page, 'Staging database', 'stage', passwords.staging);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Move to a folder' }).click();
  await page.getByRole('dialog').getByRole('option', { name: 'Staging' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Share in Staging' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await expect(page.getByText('No application yet')).toBeVisible();
  await expectAccessible(page, 'applications-none');
  await page.getByRole('button', { name: 'New application' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Deploy');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Deploy', level: 1 })).toBeVisible();
  await expectAccessible(page, 'application-new');

  await page.getByRole('button', { name: 'Give it something' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Find records and shared folders').fill('container');
  await dialog.getByLabel('Container registry').check();
  await dialog.getByLabel('Find records and shared folders').fill('staging');
  await dialog.getByRole('checkbox', { name: 'Staging Shared folder' }).check();
  await dialog.getByLabel('It may').selectOption({ label: 'Read and change' });
  await expectAccessible(page, 'application-give');
  await dialog.getByRole('button', { name: 'Give 2 items' }).click();
  const has = section(page, 'What it has');
  await expect(has.getByRole('listitem')).toHaveCount(2);
  await expect(has.getByText('Being made ready')).toHaveCount(0, patience);
});

test('a token is shown once, and the device that binds with it reads both', async ({ workshop }) => {
  const { page, devices } = workshop;
  const dialog = await addDevice(page, 'runner-1', 'One-time token');
  await expectAccessible(page, 'application-add-device');
  await dialog.getByRole('button', { name: 'Add device' }).click();
  await expect(dialog.getByText('Shown this once')).toBeVisible();
  await expect(dialog.getByText('not reached by HTTPS')).toBeHidden();
  await expectAccessible(page, 'application-token');
  await dialog.getByRole('button', { name: 'Show One-time token' }).click();
  const token = await shown(dialog, 'One-time token').innerText();
  const hostname = await shown(dialog, 'Host name').innerText();
  const serverPublicKey = await shown(dialog, 'Server key').innerText();
  const serverPublicKeyId = await shown(dialog, 'Server key ID').innerText();
  workshop.installation.secrets.add(token);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(section(page, 'Devices')).toContainText('Waiting for its first use');

  const storage = inMemoryStorage({});
  await initializeStorage(storage, token, hostname);
  const device = { storage, serverPublicKey, serverPublicKeyId, ...trusting };
  devices.set('runner-1', device);
  expect(await titlesFor(device)).toEqual(['Container registry', 'Staging database']);
  const record = await readRecord(device, 'Container registry');
  expect(fieldOf(record, 'password').value).toEqual([passwords.registry]);

  await openApplication(page, 'Deploy');
  await expect(section(page, 'Devices')).toContainText('JavaScript client 17.5.0');
  await expect(section(page, 'Usage')).toContainText('Read records');
  await expectAccessible(page, 'application');
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(section(page, 'Devices')).toContainText('runner-1');
  await expectAccessible(page, 'application-phone');
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('what a device writes shows in the open vault, and its former state in the history', async ({
  workshop,
}) => {
  const { page } = workshop;
  const device = deviceOf(workshop, 'runner-1');
  await openRecord(page, 'Container registry');
  await expect(page.getByText('pusher', { exact: true }).first()).toBeVisible();
  const record = await readRecord(device, 'Container registry');
  fieldOf(record, 'login').value = ['rotated-pusher'];
  await updateSecret(device, record);
  await expect(page.getByRole('article').getByText('rotated-pusher')).toBeVisible(patience);
  await expect(page.getByText(/version 2/)).toBeVisible();
});

test('a change that a device leaves open waits, and the person finishes it', async ({ workshop }) => {
  const { page } = workshop;
  const device = deviceOf(workshop, 'runner-1');
  // The vault may be taking over what was written before: then it is read again, as clients do.
  await expect(async () => {
    const record = await readRecord(device, 'Container registry');
    fieldOf(record, 'login').value = ['half-way-pusher'];
    await updateSecret(device, record, UpdateTransactionType.General);
  }).toPass(patience);
  await expect(page.getByText('Deploy began to change “Container registry”')).toBeVisible(patience);
  await expect(page.getByRole('article').getByText('rotated-pusher')).toBeVisible();
  await page.getByRole('button', { name: 'Finish for it' }).click();
  await expect(page.getByRole('article').getByText('half-way-pusher')).toBeVisible(patience);
  await expect(page.getByText('Deploy began to change')).toHaveCount(0);
});

test('what a device deletes waits for the person, who keeps it or moves it to the trash', async ({
  workshop,
}) => {
  const { page } = workshop;
  const device = deviceOf(workshop, 'runner-1');
  const { recordUid } = await readRecord(device, 'Container registry');
  await deleteSecret(device, [recordUid]);
  await expect(page.getByText('Deploy deleted “Container registry”')).toBeVisible(patience);
  await expectAccessible(page, 'application-waits-on-record');
  expect(await titlesFor(device)).toEqual(['Staging database']);
  await page.getByRole('button', { name: 'Keep it' }).click();
  await expect(page.getByText('Deploy deleted “Container registry”')).toHaveCount(0);
  await expect.poll(() => titlesFor(device), patience).toEqual(['Container registry', 'Staging database']);

  await deleteSecret(device, [recordUid]);
  const link = page.getByRole('link', { name: /^Applications.*1 waiting for you/ });
  await expect(link).toBeVisible(patience);
  await link.click();
  await expectAccessible(page, 'applications-waiting');
  await page.getByRole('button', { name: 'Move to the trash' }).click();
  await expect(page.getByText('Container registry is in the trash')).toBeVisible();
  await page.getByRole('link', { name: 'All records' }).click();
  await expect(row(page, 'Container registry')).toHaveCount(0);
});

test('a folder that a device deletes waits for the person, who keeps it or deletes it for everybody', async ({
  workshop,
}) => {
  const { page } = workshop;
  const device = deviceOf(workshop, 'runner-1');
  const namesFor = async () => (await getFolders(device)).map(({ name }) => name).sort();
  const tree = page.getByRole('tree');
  const inVault = tree.getByRole('treeitem', { name: /^Build output/ });
  const staging = tree.getByRole('treeitem', { name: /^Staging/ });
  await staging.getByRole('button', { name: 'Actions for Staging' }).click();
  await page.getByRole('menuitem', { name: 'New folder inside' }).click();
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Build output');
  await page.keyboard.press('Enter');
  await expect.poll(namesFor, patience).toEqual(['Build output', 'Staging']);
  const uid = (await getFolders(device)).find(({ name }) => name === 'Build output')?.folderUid ?? '';
  await staging.focus();
  await page.keyboard.press('ArrowRight');
  await expect(inVault).toBeVisible();

  await deleteFolder(device, [uid], true);
  expect(await namesFor()).toEqual(['Staging']);
  await page.getByRole('link', { name: /^Applications.*1 waiting for you/ }).click(patience);
  await expect(page.getByText('Deploy deleted the folder “Build output”')).toBeVisible();
  await expectAccessible(page, 'applications-folder-waiting');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await expect(page.getByText('Build output stays, and applications see it again')).toBeVisible();
  await expect.poll(namesFor, patience).toEqual(['Build output', 'Staging']);

  await deleteFolder(device, [uid], true);
  await expect(page.getByText('Deploy deleted the folder “Build output”')).toBeVisible(patience);
  await page.getByRole('button', { name: 'Delete the folder' }).click();
  const question = page.getByRole('alertdialog').or(page.getByRole('dialog'));
  await expect(question).toContainText('It goes for everybody who has it; no record goes with it');
  await expectAccessible(page, 'applications-folder-delete');
  await question.getByRole('button', { name: 'Delete the folder' }).click();
  await expect(page.getByText('Folder Build output deleted')).toBeVisible();
  await expect(inVault).toHaveCount(0, patience);
  expect(await namesFor()).toEqual(['Staging']);
});

test('a file that a device adds is an attachment, and one that it takes off is in the history alone', async ({
  workshop,
}) => {
  const { page } = workshop;
  const device = deviceOf(workshop, 'runner-1');
  const data = new TextEncoder().encode('a report of a device');
  await openRecord(page, 'Staging database');
  const file = { name: 'report.txt', title: 'Report', type: 'text/plain', data };
  const uid = await uploadFile(device, await readRecord(device, 'Staging database'), file);
  const shownFile = page.getByRole('article').getByText('report.txt');
  await expect(shownFile.first()).toBeVisible(patience);
  await expectAccessible(page, 'application-added-file');
  await expect(async () => {
    // The vault's version of it is read again, as clients do.
    const record = await readRecord(device, 'Staging database');
    await updateSecret2(device, record, { links2Remove: [uid] });
  }).toPass(patience);
  await expect(shownFile).toHaveCount(0, patience);
  await expectAccessible(page, 'application-removed-file');
  const { files = [] } = await readRecord(device, 'Staging database');
  expect(files).toEqual([]);
});

test('a ready configuration works at once; after it is revoked nothing is had by it', async ({
  workshop,
}) => {
  const { page } = workshop;
  await openApplication(page, 'Deploy');
  const dialog = await addDevice(page, 'cluster', 'Ready configuration');
  await dialog.getByRole('button', { name: 'Add device' }).click();
  await dialog.getByRole('button', { name: 'Show KSM_CONFIG, base64' }).click();
  await dialog.getByText('How to use it').click();
  await expectAccessible(page, 'application-configuration');
  const configuration = await shown(dialog, 'KSM_CONFIG, base64').innerText();
  workshop.installation.secrets.add(configuration);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const device = { storage: loadJsonConfig(configuration), ...trusting };
  expect(await titlesFor(device)).toEqual(['Staging database']);

  await page.getByRole('button', { name: 'Actions for cluster' }).click();
  await page.getByRole('menuitem', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(section(page, 'Devices').getByText('cluster')).toHaveCount(0);
  await expect(getSecrets(device)).rejects.toThrow(/access_denied|Unable to validate/);
  expect(await titlesFor(deviceOf(workshop, 'runner-1'))).toEqual(['Staging database']);
});

test('from its own page a record is given to an application, which its page names then', async ({
  workshop,
}) => {
  const { page } = workshop;
  await createLogin(page, 'Signing key', 'signer', 'signing password 4713');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Give to an application' }).click();
  await expectAccessible(page, 'application-give-record');
  await page.getByRole('dialog').getByRole('button', { name: 'Give', exact: true }).click();
  await expect(section(page, 'Applications')).toContainText('Deploy');
  await expect
    .poll(() => titlesFor(deviceOf(workshop, 'runner-1')), patience)
    .toEqual(['Signing key', 'Staging database']);
});

test('a deleted application ends every device of it, and asks for its name first', async ({ workshop }) => {
  const { page, installation } = workshop;
  await openApplication(page, 'Deploy');
  await page.getByRole('button', { name: 'Delete Deploy' }).click();
  await expectAccessible(page, 'application-delete');
  await page.getByLabel('Type its name').fill('Deploy');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete application' }).click();
  await expect(page.getByText('No application yet')).toBeVisible();
  await expect(getSecrets(deviceOf(workshop, 'runner-1'))).rejects.toThrow(
    /access_denied|Unable to validate/,
  );
  const logs = installation.readLogs();
  for (const secret of [...installation.secrets, ...Object.values(passwords)])
    expect(logs.includes(secret), 'a secret in a log').toBe(false);
});
