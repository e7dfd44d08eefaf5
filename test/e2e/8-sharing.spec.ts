// Two people of one organisation, each in a browser of their own: one connects with what the other never shows.
import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import type { House } from './move-in.ts';
import {
  access,
  connect,
  invite,
  joinByInvitation,
  openRecord,
  row,
  run,
  targetFile,
  terminal,
} from './person.ts';

test.describe.configure({ mode: 'serial' });

const ben = 'ben@example.org';
let other: Page;

/** Everything that the worker ever answered the page, kept in the page. */
async function recordAnswers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const answers: string[] = [];
    Object.assign(window, { answers });
    const listen = Worker.prototype.addEventListener;
    Worker.prototype.addEventListener = function (this: Worker, ...args: Parameters<typeof listen>) {
      if (args[0] === 'message')
        listen.call(this, 'message', (event) => {
          if (event instanceof MessageEvent) answers.push(JSON.stringify(event.data));
        });
      listen.apply(this, args);
    };
  });
}

async function answersOf(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const answers: unknown = Reflect.get(window, 'answers');
    return Array.isArray(answers) ? answers.join('\n') : '';
  });
}

async function shareToConnect(page: Page, title: string, period: string): Promise<void> {
  await openRecord(page, title);
  await access(page).getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(ben).check();
  await dialog.getByLabel('They may').selectOption({ label: 'Connect only' });
  await dialog.getByLabel('For', { exact: true }).selectOption({ label: period });
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  await expect(access(page)).toContainText(ben);
}

/** Only the owner trusts a host key: they have been there once. */
async function enter(house: House): Promise<void> {
  for (const title of [machines.password, machines.key]) await connect(house.page, title);
  const link = await invite(house.page, ben);
  other = await house.newBrowser();
  await recordAnswers(other);
  await joinByInvitation(other, link);
}

test('a machine is shared to connect with, after the words of both were compared', async ({ house }) => {
  const { page } = house;
  await enter(house);
  await openRecord(page, machines.password);
  await access(page).getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('dialog').getByLabel(ben).check();
  await expectAccessible(page, 'share');
  await page.keyboard.press('Escape');
  await shareToConnect(page, machines.password, 'No end');

  await other.getByRole('link', { name: 'People' }).click();
  await other.getByRole('button', { name: 'Your fingerprint' }).click();
  const own = other.getByRole('list', { name: 'Words of your keys' }).getByRole('listitem');
  await expect(own).toHaveCount(8);
  await expectAccessible(other, 'own-fingerprint');
  await access(page)
    .getByRole('button', { name: `fingerprint of ${ben}` })
    .click();
  const shown = page.getByRole('list', { name: 'Words of the keys now' }).getByRole('listitem');
  await expect(shown).toHaveText(await own.allInnerTexts());
  await expectAccessible(page, 'fingerprint');
  await page.getByRole('button', { name: 'The words are the same' }).click();
  await expect(access(page)).toContainText('verified');
  await other.keyboard.press('Escape');
});

test('the other connects and types, and neither page nor worker ever has the password', async ({ house }) => {
  await other.getByRole('link', { name: 'Shared with me' }).click();
  await expect(row(other, machines.password)).toBeVisible();
  await connect(other, machines.password);
  await run(other, 'echo by ben > ben.txt');
  expect(await targetFile(house.installation, 'ben.txt')).toBe('by ben');
  await openRecord(other, machines.password);
  await expectAccessible(other, 'launch-only');
  await expect(other.getByRole('button', { name: 'Edit' })).toHaveCount(0);
  const answers = await answersOf(other);
  expect(answers, 'the answers were listened to').toContain(machines.password);
  expect(answers).not.toContain(house.installation.target.password);
  expect(await other.content()).not.toContain(house.installation.target.password);
});

test('access that is taken back ends the other’s session and is gone from their list, at once', async ({
  house,
}) => {
  const { page } = house;
  await connect(other, machines.password);
  await access(page)
    .getByRole('button', { name: `Take the access of ${ben} back` })
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(page.getByText(`${ben} has no access any more`)).toBeVisible();
  await expect(page.getByText('running session')).toBeVisible();
  const reason = other.getByRole('heading', { name: 'Access was taken back by' });
  await expect(reason).toBeVisible({ timeout: 5_000 });
  await expectAccessible(other, 'taken-back');
  await other.getByRole('link', { name: 'Shared with me' }).click();
  await expect(row(other, machines.password)).toHaveCount(0);
});

test('access for a time ends by itself, and ends the session that rests on it', async ({ house }) => {
  const { page } = house;
  // An hour that began nearly an hour ago.
  await page.evaluate(() => {
    const real = Date.now;
    Reflect.set(window, 'realNow', real);
    Date.now = () => real.call(Date) - 3_600_000 + 40_000;
  });
  await shareToConnect(page, machines.key, '1 hour');
  await page.evaluate(() => void Reflect.set(Date, 'now', Reflect.get(window, 'realNow')));
  await expect(row(other, machines.key)).toBeVisible();
  await connect(other, machines.key);
  await expect(terminal(other)).toBeVisible();
  await expect(other.getByText('Your access to this machine is over')).toBeVisible({ timeout: 60_000 });
  await other.getByRole('link', { name: 'Shared with me' }).click();
  await expect(row(other, machines.key)).toHaveCount(0);
  await other.context().close();
});
