// The first journey, which every other stands on: set-up link, account, phrase, gateway, records.
import { expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import type { Installation } from './installation.ts';
import { account, createFirstAccount, createGateway, createMachine, createUser } from './person.ts';

export interface House {
  readonly installation: Installation;
  readonly context: BrowserContext;
  /** Signed in, with a gateway, two users and their machines. */
  readonly page: Page;
  /** A second browser, with nothing of the first. */
  newBrowser(): Promise<Page>;
}

const wrongPassword = 'not the password at all';

export const machines = {
  password: 'Build server',
  key: 'Build server by key',
  closed: 'Closed port',
  wrong: 'Wrong password',
};

export async function moveIn(browser: Browser, installation: Installation): Promise<House> {
  const newContext = () =>
    browser.newContext({
      viewport: { width: 1280, height: 720 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
  const context = await newContext();
  const page = await context.newPage();
  installation.secrets.add(account.password).add(await createFirstAccount(page, installation.setupLink));
  await installation.enrol(await createGateway(page, 'Office'));
  await expect(page.getByRole('status').filter({ hasText: 'The gateway is online' })).toBeVisible();
  await page.getByRole('button', { name: 'Open the vault' }).click();
  await addRecords(page, installation);
  return { installation, context, page, newBrowser: async () => await (await newContext()).newPage() };
}

async function addRecords(page: Page, installation: Installation): Promise<void> {
  const { host, port, username: login, password, privateKey } = installation.target;
  await createUser(page, { title: 'Builder', login, password });
  await createUser(page, { title: 'Builder with key', login, privateKey });
  await createUser(page, { title: 'Stranger', login, password: wrongPassword });
  installation.secrets.add(wrongPassword);
  const here = { host, port, gateway: 'Office' };
  await createMachine(page, { ...here, title: machines.password, credential: `Builder (${login})` });
  await createMachine(page, { ...here, title: machines.key, credential: 'Builder with key' });
  await createMachine(page, { ...here, title: machines.wrong, credential: 'Stranger' });
  await createMachine(page, { ...here, port: 1, title: machines.closed, credential: `Builder (${login})` });
}
