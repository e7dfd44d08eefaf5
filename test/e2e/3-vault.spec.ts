import { machines, test, expect } from './house.ts';
import { openRecord, save, searchFor, signIn, startRecord, unlock } from './person.ts';

test('lock wipes the page, unlock opens the local copy, offline too; a wrong password does not', async ({
  house,
}) => {
  const { page, context } = house;
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Unlock' })).toBeVisible();
  await expect(page.getByText(machines.password)).toHaveCount(0);
  await context.setOffline(true);
  await unlock(page, 'not the master password');
  await expect(page.getByText(/password/i).filter({ hasText: /not|wrong/i })).toBeVisible();
  await unlock(page);
  await openRecord(page, machines.password);
  await context.setOffline(false);
});

test('the screens that wait behind the lock say nothing, and no key reaches them', async ({ house }) => {
  const { page } = house;
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  const waiting = page.locator('.whole.asleep');
  await expect(waiting).toBeAttached();
  await expect(waiting).not.toContainText(machines.password);
  await expect(page.getByLabel('Search records')).toBeHidden();
  await expect(page.getByRole('list', { name: 'Records' })).toHaveCount(0);
  for (let key = 0; key < 20; key++) {
    await page.keyboard.press('Tab');
    expect(await waiting.locator(':focus').count()).toBe(0);
  }
  await unlock(page);
  await expect(page.getByRole('list', { name: 'Records' }).getByRole('link').first()).toBeVisible();
});

test('a change in one browser appears in another without reload', async ({ house }) => {
  const { page, installation, newBrowser } = house;
  const other = await newBrowser();
  await signIn(other, installation.server.url);
  // The whole list may be longer than what of it is drawn.
  await searchFor(other, 'Wiki');
  await searchFor(page, '');
  await startRecord(page, 'Login', 'Wiki');
  await page.getByLabel('Login', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('wiki secret 4711');
  installation.secrets.add('wiki secret 4711');
  await save(page);
  const rows = other.getByRole('list', { name: 'Records' });
  await expect(rows.getByRole('link', { name: 'Wiki' })).toBeVisible();
  await openRecord(other, 'Wiki');
  await other.getByRole('button', { name: 'More' }).click();
  await other.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'Wiki' })).toHaveCount(0);
  await searchFor(page, 'Wiki');
  await other.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('list', { name: 'Records' }).getByRole('link', { name: 'Wiki' })).toBeVisible();
  await other.context().close();
});

test('a password is withheld until it is asked for', async ({ house }) => {
  const { page } = house;
  await openRecord(page, 'Wiki');
  await expect(page.getByText('wiki secret 4711')).toHaveCount(0);
  await page
    .getByRole('button', { name: /reveal|show password/i })
    .first()
    .click();
  await expect(page.getByText('wiki secret 4711')).toBeVisible();
});
