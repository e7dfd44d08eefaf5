// What a person does in the vault, by the names that are on the screen.
import { expect, type Locator, type Page } from '@playwright/test';
import type { Installation } from './installation.ts';
import type { House } from './move-in.ts';

export const account = { email: 'ada@example.org', password: 'correct horse battery staple 9' } as const;

/** Set-up link → account → recovery phrase; leaves the page at the gateway step. Returns the phrase. */
export async function createFirstAccount(page: Page, setupLink: string): Promise<string> {
  await page.goto(setupLink);
  await page.getByLabel('Email').fill(account.email);
  return await chooseSecrets(page);
}

/** Makes an invitation and returns its link. */
export async function invite(page: Page, email: string): Promise<string> {
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('dialog').getByLabel('Email').fill(email);
  await page.getByRole('button', { name: 'Create link' }).click();
  const link = (await page.getByTestId('invitation-link').innerText()).trim();
  await page.getByRole('button', { name: 'Done' }).click();
  return link;
}

/** Invitation link → account → recovery phrase; leaves the page in the new vault. Returns the phrase. */
export async function joinByInvitation(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Continue' }).click();
  const phrase = await chooseSecrets(page);
  await expect(page.getByRole('button', { name: 'New record' })).toBeVisible();
  return phrase;
}

/** Password and recovery phrase of a new account. Returns the phrase. */
async function chooseSecrets(page: Page): Promise<string> {
  await page.getByLabel('Master password', { exact: true }).fill(account.password);
  await page.getByLabel('Confirm master password').fill(account.password);
  await page.getByRole('button', { name: 'Continue' }).click();
  const phrase = await writePhraseDown(page);
  await page.getByRole('button', { name: 'Create account' }).click();
  return phrase;
}

/** Reads the recovery phrase that shows, and types what is asked of it. Returns it. */
export async function writePhraseDown(page: Page): Promise<string> {
  const shown = page.getByRole('list', { name: 'Recovery phrase' }).getByRole('listitem');
  await expect(shown).toHaveCount(24);
  const phrase = (await shown.allInnerTexts()).map((word) => word.replace(/[^a-z]/g, ''));
  await page.getByRole('button', { name: 'I have written it down' }).click();
  await fillWords(page, phrase);
  return phrase.join(' ');
}

/** Fills every "Word 7" that is asked for with the seventh of these. */
export async function fillWords(within: Page | Locator, words: readonly string[]): Promise<void> {
  const asked = within.getByLabel(/^Word \d+$/);
  await expect(asked.first()).toBeVisible();
  for (const field of await asked.all()) {
    const position = Number(/\d+/.exec(await nameOf(field))?.[0]);
    await field.fill(words[position - 1] ?? '');
  }
}

async function nameOf(field: Locator): Promise<string> {
  return await field.evaluate(
    (element: HTMLInputElement) => element.ariaLabel ?? element.labels?.[0]?.textContent ?? '',
  );
}

/** Names a gateway on the form that shows; returns the token that is shown once. */
export async function createGateway(page: Page, name: string): Promise<string> {
  await page.getByLabel('Gateway name').fill(name);
  await page.getByRole('button', { name: 'Create gateway' }).click();
  return (await page.getByTestId('enrolment-token').innerText()).trim();
}

export async function signIn(
  page: Page,
  url: string,
  { email, password }: { email: string; password: string } = account,
): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Master password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('button', { name: 'New record' })).toBeVisible();
}

/** A member of the organisation, new, in a browser of their own. */
export async function newMember(house: House, email: string): Promise<{ page: Page; phrase: string }> {
  const link = await invite(house.page, email);
  const page = await house.newBrowser();
  const phrase = await joinByInvitation(page, link);
  house.installation.secrets.add(phrase);
  return { page, phrase };
}

/** Shares the record that is open, with one who is in the organisation already. */
export async function shareOpen(page: Page, title: string, email: string, may: string): Promise<void> {
  await access(page).getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Share ${title}` });
  await dialog.getByLabel(email).check();
  await dialog.getByLabel('They may').selectOption({ label: may });
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(access(page)).toContainText(email);
}

/** Who has the record that is open. */
export const access = (page: Page | Locator) => page.getByRole('region', { name: 'Access' });

/** A record in the list that shows. */
export const row = (page: Page, title: string) =>
  page.getByRole('list', { name: 'Records' }).getByRole('link', { name: title });

/** A login with a password, saved and open. */
export async function createLogin(page: Page, title: string, login: string, password: string): Promise<void> {
  await startRecord(page, 'Login', title);
  await page.getByLabel('Login', { exact: true }).fill(login);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await save(page);
}

/** Changes one field of the record that is open. */
export async function change(page: Page, label: string, text: string): Promise<void> {
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel(label, { exact: true }).fill(text);
  await save(page);
}

export async function unlock(page: Page, password: string = account.password): Promise<void> {
  await page.getByLabel('Master password').fill(password);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

/** From any screen: records are made in the vault, and a journey begins where the one before ended. */
export async function startRecord(page: Page, kind: string, title: string): Promise<void> {
  await page.getByRole('link', { name: 'All records' }).click();
  await page.getByRole('button', { name: 'New record' }).click();
  await page.getByRole('dialog').getByRole('button', { name: kind, exact: true }).click();
  await page.getByLabel('Title').fill(title);
}

export async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible();
}

export interface UserRecord {
  readonly title: string;
  readonly login: string;
  readonly password?: string;
  readonly privateKey?: string;
}

export async function createUser(page: Page, user: UserRecord): Promise<void> {
  await startRecord(page, 'Machine user', user.title);
  await page.getByLabel('Login', { exact: true }).fill(user.login);
  if (user.password) await page.getByLabel('Password', { exact: true }).fill(user.password);
  if (user.privateKey) await page.getByLabel('Private key', { exact: true }).fill(user.privateKey);
  await save(page);
}

export interface MachineRecord {
  readonly title: string;
  readonly host: string;
  readonly port: number;
  readonly credential?: string;
  readonly gateway: string;
  /** As the form names it; SSH when it is not said. */
  readonly protocol?: string;
  /** Switches under "More settings". */
  readonly switches?: readonly string[];
}

export async function createMachine(page: Page, machine: MachineRecord): Promise<void> {
  await startRecord(page, 'Machine', machine.title);
  await page.getByLabel('Host', { exact: true }).fill(machine.host);
  if (machine.protocol) await choose(page, 'Protocol', machine.protocol);
  await page.getByLabel('Port', { exact: true }).fill(String(machine.port));
  await choose(page, 'Gateway', machine.gateway);
  if (machine.credential) await choose(page, 'Launch credential', machine.credential);
  if (machine.switches) await page.getByRole('button', { name: 'More settings' }).click();
  for (const name of machine.switches ?? []) await page.getByLabel(name, { exact: true }).check();
  await save(page);
}

async function choose(page: Page, label: string, start: string): Promise<void> {
  const select = page.getByLabel(label, { exact: true });
  const option = select.locator('option', { hasText: start });
  await expect(option).toHaveCount(1);
  await select.selectOption((await option.getAttribute('value')) ?? '');
}

export async function searchFor(page: Page, text: string): Promise<void> {
  await page.getByRole('link', { name: 'All records' }).click();
  await page.getByLabel('Search records').fill(text);
}

/** Opens the record from the list, by search. */
export async function openRecord(page: Page, title: string): Promise<void> {
  await searchFor(page, title);
  await page.getByRole('list', { name: 'Records' }).getByRole('link', { name: title }).first().click();
  await expect(page.getByRole('heading', { name: title })).toBeVisible();
}

/** Presses Connect, accepts the host key when it is asked for, and waits until the terminal is drawn. */
export async function connect(page: Page, title: string): Promise<void> {
  await openRecord(page, title);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  const trust = page.getByRole('button', { name: 'Trust this host key and connect' });
  await expect(trust.or(terminal(page))).toBeVisible({ timeout: 30_000 });
  if (await trust.isVisible()) await trust.click();
  await expect(terminal(page)).toBeVisible({ timeout: 30_000 });
}

/** What earlier journeys on this page have left open. */
export async function closeSessions(page: Page): Promise<void> {
  const close = page.getByRole('region', { name: 'Sessions' }).getByRole('button', { name: /^Close / });
  for (let left = await close.count(); left > 0; left--) {
    await close.first().click();
    await expect(close).toHaveCount(left - 1);
  }
}

export const terminal = (page: Page) => page.getByRole('application');

/** Types a command as keys and Enter. */
export async function run(page: Page, command: string): Promise<void> {
  await terminal(page).focus();
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
}

/** Waits until a file in the target's home holds something that `fits`: the effect of a command, seen on the target. */
export async function targetFile(
  { target }: Pick<Installation, 'target'>,
  name: string,
  fits: (text: string) => boolean = (text) => text.endsWith('\n'),
): Promise<string> {
  await expect
    .poll(() => fits(target.homeFile(name) ?? ''), { message: `${name} on the target`, timeout: 20_000 })
    .toBe(true);
  return (target.homeFile(name) ?? '').trim();
}

/** Ends the session that shows, and closes its tab. */
export async function disconnect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
}
