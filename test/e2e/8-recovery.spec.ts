// A person who loses password, phrase and device, one after another, and what of their devices that ends.
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, test } from './house.ts';
import {
  account,
  createLogin,
  fillWords,
  newMember,
  openRecord,
  row,
  signIn,
  unlock,
  writePhraseDown,
} from './person.ts';

test.describe.configure({ mode: 'serial' });

const dora = 'dora@example.org';
const title = 'What dora keeps';
const passwords = [
  'let in again 5 willow river',
  'by the phrase 6 copper gate',
  'changed by hand 7 amber hill',
];
let first: Page;
let second: Page;
let keyWords: string[] = [];
let phrase = '';

const section = (page: Page) => page.getByRole('region', { name: 'Recovery by your organisation' });

async function wordsOf(page: Page, list: string): Promise<string[]> {
  const items = page.getByRole('list', { name: list }).getByRole('listitem');
  await expect(items).toHaveCount(8);
  return (await items.allInnerTexts()).map((word) => word.replace(/[^a-z]/g, ''));
}

async function typeNewPassword(page: Page, password: string): Promise<void> {
  await page.getByLabel('New master password', { exact: true }).fill(password);
  await page.getByLabel('Confirm new master password').fill(password);
}

async function settings(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
}

test('recovery is off until a person enrols, who has compared the words of its key', async ({ house }) => {
  const { page, installation } = house;
  passwords.forEach((password) => installation.secrets.add(password));
  first = (await newMember(house, dora)).page;
  await createLogin(first, title, 'dora', 'kept for dora 7731');
  installation.secrets.add('kept for dora 7731');
  await settings(first);
  await expect(section(first)).toHaveCount(0);

  await page.getByRole('link', { name: 'People' }).click();
  await expect(page.getByText('Who loses password and phrase loses the vault')).toBeVisible();
  await page.getByRole('button', { name: 'Set up recovery' }).click();
  await page.getByRole('button', { name: 'Make the key' }).click();
  keyWords = await wordsOf(page, 'Words of the recovery key');
  await expectAccessible(page, 'recovery-key');

  await expect(section(first)).toContainText('You are not enrolled');
  await section(first).getByRole('button', { name: 'Enrol' }).click();
  const dialog = first.getByRole('dialog', { name: 'Enrol in recovery' });
  await fillWords(
    dialog,
    keyWords.map(() => 'wrong'),
  );
  await dialog.getByRole('button', { name: 'Enrol' }).click();
  const confirm = first.getByRole('dialog', { name: 'Confirm that it is you' });
  await confirm.getByLabel('Master password').fill(account.password);
  await confirm.getByRole('button', { name: 'Confirm' }).click();
  await expect(dialog.getByRole('alert')).toContainText('These are not the words');
  await expectAccessible(first, 'recovery-enrolment');
  await fillWords(dialog, keyWords);
  await dialog.getByRole('button', { name: 'Enrol' }).click();
  await expect(section(first)).toContainText('You are enrolled');
});

test('an administrator lets her in again by eight words, and her former session ends', async ({ house }) => {
  const { page, installation } = house;
  second = await house.newBrowser();
  await second.goto(installation.server.url);
  await second.getByLabel('Email').fill(dora);
  await second.getByRole('button', { name: 'Ask your administrator' }).click();
  await second.getByRole('button', { name: 'Ask to be let in' }).click();
  const words = await wordsOf(second, 'Words of this request');
  await expectAccessible(second, 'recovery-waiting');

  const request = page.getByRole('dialog', { name: `Let ${dora} in again?` });
  await fillWords(
    request,
    words.map(() => 'wrong'),
  );
  await request.getByRole('button', { name: 'Let in' }).click();
  await expect(request.getByRole('alert')).toContainText('These are not the words');
  await fillWords(request, words);
  await expectAccessible(page, 'recovery-request');
  await request.getByRole('button', { name: 'Let in' }).click();

  await fillWords(second, keyWords);
  await typeNewPassword(second, passwords[0] ?? '');
  await expectAccessible(second, 'recovery-password');
  await second.getByRole('button', { name: 'Continue' }).click();
  phrase = await writePhraseDown(second);
  installation.secrets.add(phrase);
  await second.getByRole('button', { name: 'Recover account' }).click();
  await expect(row(second, title)).toBeVisible();
  await expect(first.getByText('You were signed out')).toBeVisible();
});

test('the phrase sets another password, typed on a page that has never seen the account', async ({
  house,
}) => {
  const { installation } = house;
  await first.getByRole('button', { name: 'Sign in as someone else' }).click();
  await first.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await first.getByRole('button', { name: 'Forgotten your password?' }).click();
  await first.getByLabel('Email').fill(dora);
  await first.getByLabel('Recovery phrase').fill(phrase.split(' ').slice(0, 23).join(' '));
  await typeNewPassword(first, passwords[1] ?? '');
  await first.getByRole('button', { name: 'Recover account' }).click();
  await expect(first.getByText('23 of 24 words')).toBeVisible();
  await expectAccessible(first, 'recover-by-phrase');
  await first.getByLabel('Recovery phrase').fill(phrase);
  await first.getByRole('button', { name: 'Recover account' }).click();
  await openRecord(first, title);
  await expect(second.getByText('You were signed out')).toBeVisible();
  await unlock(second, passwords[1]);
  await expect(row(second, title)).toBeVisible();
  await second.goto(installation.server.url);
  await unlock(second, passwords[1]);
});

test('a changed master password is asked for elsewhere, and leaving everywhere ends both', async ({
  house,
}) => {
  await settings(first);
  await first.getByRole('button', { name: 'Change password' }).click();
  await first.getByLabel('Current master password').fill('not this one');
  await typeNewPassword(first, passwords[2] ?? '');
  await first.getByRole('dialog').getByRole('button', { name: 'Change password' }).click();
  await expect(first.getByRole('dialog').getByRole('alert')).toBeVisible();
  await expectAccessible(first, 'change-password');
  await first.getByLabel('Current master password').fill(passwords[1] ?? '');
  await first.getByRole('dialog').getByRole('button', { name: 'Change password' }).click();
  await expect(first.getByText('Master password changed')).toBeVisible();
  const third = await house.newBrowser();
  await signIn(third, house.installation.server.url, { email: dora, password: passwords[2] ?? '' });
  await first.getByRole('button', { name: 'Sign out everywhere' }).click();
  await first.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await expect(first.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(third.getByText('You were signed out')).toBeVisible();
  await Promise.all([first, second, third].map((page) => page.context().close()));
});
